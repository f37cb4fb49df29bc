/** Sets an own property whatever its name, `__proto__` among them. */
export function putOwn<T>(target: { [id: string]: T }, id: string, value: T): void {
  if (id !== '__proto__') target[id] = value
  else Object.defineProperty(target, id, { value, enumerable: true, configurable: true, writable: true })
}
