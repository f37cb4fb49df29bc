/** What is used of a `Collection` of the driver `mongodb`, 6 or 7; no type of the package itself. */
export interface MongoCollection {
  readonly dbName: string
  readonly collectionName: string
  find(filter: object, options?: object): MongoCursor
  findOneAndUpdate(filter: object, update: object, options: object): Promise<object | null>
  insertOne(document: object, options?: object): Promise<object>
  updateOne(filter: object, update: object, options?: object): Promise<object>
  deleteOne(filter: object, options?: object): Promise<object>
  deleteMany(filter: object, options?: object): Promise<object>
  bulkWrite(operations: readonly object[], options?: object): Promise<object>
  createIndex(keys: { readonly [field: string]: 1 }, options?: object): Promise<string>
  indexes(options: object): Promise<object>
  options(options?: object): Promise<object>
}

/** What is used of what `find` gives. */
export interface MongoCursor {
  toArray(): Promise<object[]>
  [Symbol.asyncIterator](): AsyncIterator<object, unknown>
}
