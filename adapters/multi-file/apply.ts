import { basename, join } from 'node:path'
import { forEachLimited, hasCode, writeFile } from './file-system.ts'
import { newId, type Place } from './place.ts'
import type { Placement } from './placement.ts'
import { Moved } from './trouble.ts'

/** As many as Node has threads for files: with more, the next batch's append would wait for a row of them. */
const filesAtOnce = 4

/**
 * Brings record files up to these texts. Every change is a rename out of or into the owner's own folder, so a former
 * owner's fails: a new one has renamed that folder. @throws Moved then
 */
export async function applyTexts(
  place: Place,
  placement: Placement,
  ownFolder: string,
  texts: Iterable<readonly [record: string, text: string | undefined]>,
): Promise<void> {
  await forEachLimited(texts, filesAtOnce, async ([record, text]) => {
    if (text !== undefined) await put(place, placement, ownFolder, record, text)
    else {
      for (const path of placement.placesOf(record)) await takeAway(place, ownFolder, path)
      placement.removed(record)
    }
  })
}

/** Makes what {@link applyTexts} did outlive a power cut. */
export async function syncRecordFolders(place: Place): Promise<void> {
  if (!place.sync.files) return
  try {
    if (place.folder !== undefined) await place.fs.syncFolder(place.folder)
    await place.fs.syncFolder(join(place.home, 'kept'))
  } catch (error) {
    throw hasCode(error, 'ENOENT') ? new Moved() : error
  }
}

/** Moves a file (or a folder) into the owner's folder, and deletes it there. */
export async function takeAway(place: Place, ownFolder: string, path: string): Promise<void> {
  const { fs } = place
  const away = join(ownFolder, `away.${newId()}`)
  try {
    await fs.rename(path, away)
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    if (!fs.identify(ownFolder)) throw new Moved()
    return
  }
  // What stays there is swept by the next take-over.
  await fs.removeTree(away).catch(() => {})
}

async function put(
  place: Place,
  placement: Placement,
  ownFolder: string,
  record: string,
  text: string,
): Promise<void> {
  const path = placement.placeFor(record)
  const temporary = join(ownFolder, `temp.${newId()}`)
  try {
    await writeFile(place.fs, temporary, placement.content(record, path, text), place.sync.files)
    await place.fs.rename(temporary, path)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) throw new Moved()
    await place.fs.unlink(temporary).catch(() => {})
    throw error
  }
  for (const old of placement.placesOf(record)) {
    if (basename(old) !== basename(path)) await takeAway(place, ownFolder, old)
  }
  placement.added(record, path)
}
