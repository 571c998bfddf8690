// What controllers take for granted of refusals.

import { Refusal } from '../apiserver/contract.ts';

/** Undefined when the object is not there any more. */
export async function ifThere<T>(request: Promise<T>): Promise<T | undefined> {
  return unless('NotFound', request);
}

/** Undefined when the server refuses for that reason. */
export async function unless<T>(reason: string, request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof Refusal && error.reason === reason) return undefined;
    throw error;
  }
}
