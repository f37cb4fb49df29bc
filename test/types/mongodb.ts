import type { Collection as Mongo7Collection } from 'mongodb'
import type { Collection as Mongo6Collection } from 'mongodb-6'
import type { MongoCollection } from '../../adapters/mongodb/collection.ts'

/** Compiles while every collection of the named drivers, typed by its user or not, is what the store takes. */
export const taken: readonly ((collection: never) => MongoCollection)[] = [
  (collection: Mongo7Collection) => collection,
  (collection: Mongo6Collection) => collection,
  (collection: Mongo7Collection<GuidesDocument>) => collection,
  (collection: Mongo6Collection<GuidesDocument>) => collection,
]

interface GuidesDocument {
  _id: string
  data: string
}
