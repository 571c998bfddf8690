// Reads the parameters of a call whether they came typed (in process) or as strings (over the wire), and refuses those that the
// simulation does not know, so that a test never passes on a parameter that nobody looked at.

import type { EcsParameters } from '../../ports/ecs-call.ts';
import { invalidParameter, missingParameter, Refusal } from './refusals.ts';

export class ParameterReader {
  readonly #parameters: EcsParameters;
  readonly #read = new Set<string>();

  constructor(parameters: EcsParameters) {
    this.#parameters = parameters;
  }

  text(name: string): string | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') throw invalidParameter(name, 'it must be a single value');
    return String(value);
  }

  /** @throws Refusal MissingParameter. */
  required(name: string): string {
    const value = this.text(name);
    if (value === undefined || value === '') throw missingParameter(name);
    return value;
  }

  number(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    if (!/^\d+$/.test(value)) throw invalidParameter(name, 'it must be a whole number');
    return Number(value);
  }

  flag(name: string): boolean | undefined {
    const value = this.text(name)?.toLowerCase();
    if (value === undefined) return undefined;
    if (value !== 'true' && value !== 'false') throw invalidParameter(name, 'it must be true or false');
    return value === 'true';
  }

  /** `Name.1`, `Name.2` … of the wire. */
  list(name: string): string[] | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) throw invalidParameter(name, 'it must be a list');
    return value.map(String);
  }

  /** A JSON array of at most 100 ids. */
  ids(name: string): string[] | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const ids = parsedArray(value);
    if (ids === undefined) throw invalidParameter(name, 'it must be a JSON array of strings, e.g. ["d-1"]');
    if (ids.length > 100) throw invalidParameter(name, 'at most 100 ids');
    return ids;
  }

  /** Tags of a create call or a filter. A filter may leave the value out: `undefined` then. @throws Refusal for keys that the API refuses. */
  tags(name = 'Tag'): Map<string, string | undefined> {
    const value = this.#take(name);
    if (value === undefined) return new Map();
    if (!Array.isArray(value)) throw invalidParameter(name, 'it must be a list of Key and Value');
    const tags = new Map<string, string | undefined>();
    for (const item of value as { Key?: unknown; Value?: unknown }[]) {
      const key = checkedTagKey(item.Key);
      if (tags.has(key)) throw new Refusal(400, 'Duplicate.TagKey', `The Tag.N.Key contains the duplicate key ${key}.`);
      tags.set(key, checkedTagValue(key, item.Value));
    }
    return tags;
  }

  /** The caller's token. @throws Refusal when it is longer than 64 characters or not ASCII. */
  token(): string | undefined {
    const token = this.text('ClientToken');
    if (token === undefined || token === '') return undefined;
    const printableAscii = /^[\u0020-\u007e]{1,64}$/;
    if (!printableAscii.test(token)) {
      throw new Refusal(403, 'InvalidClientToken.ValueNotSupported', 'The ClientToken provided is invalid: at most 64 ASCII characters.');
    }
    return token;
  }

  /** @throws Refusal naming a parameter that nobody read. */
  finish(): void {
    const unknown = Object.keys(this.#parameters).find((name) => this.#parameters[name] !== undefined && !this.#read.has(name));
    if (unknown !== undefined) throw new Refusal(400, 'InvalidParameter.NotSimulated', `The simulation knows no parameter "${unknown}" of this action.`);
  }

  #take(name: string): unknown {
    this.#read.add(name);
    return this.#parameters[name];
  }
}

function parsedArray(text: string): string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function checkedTagKey(value: unknown): string {
  const key = typeof value === 'string' ? value : '';
  const allowed = key !== '' && key.length <= 128 && !/^(aliyun|acs:)/.test(key) && !/https?:\/\//.test(key);
  if (!allowed) throw new Refusal(400, 'InvalidTagKey.Malformed', `The specified Tag.N.Key "${key}" is not valid.`);
  return key;
}

function checkedTagValue(key: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const text = typeof value === 'object' ? JSON.stringify(value) : `${value as string | number | boolean}`;
  if (text.length > 128 || /https?:\/\//.test(text)) throw new Refusal(400, 'InvalidTagValue.Malformed', `The specified Tag.N.Value of "${key}" is not valid.`);
  return text;
}
