import { createHash } from 'node:crypto'

/** A Lua script, and the name that the server knows it by once it has seen it. */
export interface Script {
  readonly lua: string
  readonly sha: string
}

/**
 * Fails on a replica, which might answer with what is no longer true: the name is no record's, so nothing happens
 * elsewhere.
 */
const onMasterOnly = "redis.call('HDEL', KEYS[1], '')"

/** Lua takes so many results of `unpack` at least; an even number, for names with their values. */
const chunk = 1000

/** Runs `command` on the arguments from `first` to `last`. Nothing between them is too much for Lua's stack. */
const inChunks = `
local function each(command, first, last)
  for from = first, last, ${chunk} do
    redis.call(command, KEYS[1], unpack(ARGV, from, math.min(from + ${chunk} - 1, last)))
  end
end
`

/** Ends with 0 where a guard does not hold; `at` is then the argument after the last guard. */
const guards = `
local at = 3
for _ = 1, tonumber(ARGV[2]) do
  local expected = ARGV[at + 1] == '1' and ARGV[at + 2]
  if redis.call('HGET', KEYS[1], ARGV[at]) ~= expected then
    ${onMasterOnly}
    return 0
  end
  at = at + 3
end
`

const holdsRecords = `
local function holdsRecords()
  local cursor = '0'
  repeat
    local page = redis.call('HSCAN', KEYS[1], cursor, 'MATCH', '[^!]*', 'COUNT', 10)
    if #page[2] > 0 then return true end
    cursor = page[1]
  until cursor == '0'
  return false
end
`

/** KEYS: schema. ARGV: this version. The version that the data has. */
export const openScript: Script = script(`
${onMasterOnly}
local version = redis.call('HGET', KEYS[1], 'version')
if version then return version end
redis.call('HSET', KEYS[1], 'version', ARGV[1])
return ARGV[1]
`)

/** KEYS: records. ARGV: names. Their values, in order. */
export const readScript: Script = script(`
${onMasterOnly}
local values = {}
for first = 1, #ARGV, ${chunk} do
  local last = math.min(first + ${chunk} - 1, #ARGV)
  for _, value in ipairs(redis.call('HMGET', KEYS[1], unpack(ARGV, first, last))) do
    values[#values + 1] = value
  end
end
return values
`)

/**
 * KEYS: records, scopes. ARGV: scope, count of guards, each as name, 1 or 0, value; `+` where a record is among the
 * changes, `-` where none is and one is removed, else nothing; count of names and values; these; names to remove.
 * 1, or 0 where a guard did not hold.
 *
 * What needs memory comes first: Redis refuses a script that has changed nothing yet, and none that has.
 */
export const writeScript: Script = script(`
${inChunks}
${holdsRecords}
${guards}
local listing, first = ARGV[at], at + 2
local last = first + tonumber(ARGV[at + 1]) - 1
if listing == '+' then redis.call('SADD', KEYS[2], ARGV[1]) end
each('HSET', first, last)
each('HDEL', last + 1, #ARGV)
if listing == '-' and not holdsRecords() then redis.call('SREM', KEYS[2], ARGV[1]) end
return 1
`)

/** KEYS: records, scopes. ARGV: scope, guards as above. 1, or 0 where a guard did not hold. */
export const removeScript: Script = script(`
${guards}
redis.call('UNLINK', KEYS[1])
redis.call('SREM', KEYS[2], ARGV[1])
return 1
`)

/**
 * KEYS: records. ARGV: cursor, prefix, count, most bytes of values, 1 for values or 0 for names alone, 1 for all or
 * nothing. The next cursor, the count that kept to the bytes (0 where nothing was to be given), names (with values).
 */
export const listScript: Script = script(`
${onMasterOnly}
local prefix, count, most = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
while true do
  local page = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', count)
  local found, bytes = {page[1], count}, 0
  for i = 1, #page[2], 2 do
    local name, value = page[2][i], page[2][i + 1]
    if string.sub(name, 1, #prefix) == prefix then
      found[#found + 1] = name
      if ARGV[5] == '1' then found[#found + 1] = value end
    end
    bytes = bytes + #value
    if bytes > most and ARGV[6] == '1' then return {page[1], 0} end
  end
  if bytes <= most or count == 1 then return found end
  count = math.max(1, math.floor(count / 4))
end
`)

/**
 * KEYS: scopes. ARGV: cursor, prefix, count. The next cursor, and scopes. Their hashes are looked for too: somebody may
 * have deleted one by hand.
 */
export const scopesScript: Script = script(`
redis.call('SREM', KEYS[1], '')
local prefix = ARGV[2]
local page = redis.call('SSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[3])
local found = {page[1]}
for _, scope in ipairs(page[2]) do
  local isAsked = string.sub(scope, 1, #prefix) == prefix
  if isAsked and redis.call('EXISTS', KEYS[1] .. ':' .. scope) == 1 then found[#found + 1] = scope end
end
return found
`)

function script(lua: string): Script {
  const text = lua.trim()
  return { lua: text, sha: createHash('sha1').update(text).digest('hex') }
}
