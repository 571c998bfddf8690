// The SDK's request models speak camel case and know their names on the wire; everything of ours speaks the wire's.

/** What is used of a model class: its properties' names on the wire, and their types (a string, or `{ type: 'array', itemType }`). */
export interface ModelClass<T> {
  readonly name: string;
  new (properties: Record<string, unknown>): T;
  names(): Record<string, string>;
  types(): Record<string, unknown>;
}

/** @throws TypeError before anything is sent when the SDK knows no such parameter: it would leave it out without a word. */
export function requestModel<T>(model: ModelClass<T>, parameters: Record<string, unknown>): T {
  return new model(properties(model, parameters));
}

function properties(model: ModelClass<unknown>, parameters: Record<string, unknown>): Record<string, unknown> {
  const byWireName = new Map(Object.entries(model.names()).map(([property, wireName]) => [wireName, property]));
  const types = model.types();
  const result: Record<string, unknown> = {};
  for (const [wireName, value] of Object.entries(parameters)) {
    if (value === undefined) continue;
    const property = byWireName.get(wireName);
    if (property === undefined) throw new TypeError(`the SDK's ${model.name} has no parameter ${wireName}: it has ${[...byWireName.keys()].join(', ')}`);
    const item = itemModel(types[property]);
    result[property] = item !== undefined && Array.isArray(value) ? value.map((one: Record<string, unknown>) => properties(item, one)) : value;
  }
  return result;
}

/** The class of a list's items; undefined for anything but a list of models. */
function itemModel(type: unknown): ModelClass<unknown> | undefined {
  const item = typeof type === 'object' && type !== null && 'itemType' in type ? type.itemType : undefined;
  return typeof item === 'function' && 'names' in item ? (item as unknown as ModelClass<unknown>) : undefined;
}
