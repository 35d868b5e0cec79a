"""What Redis does in one step: reading the pointer together with data, moving the pointer, and writing while one may.

A script's keys follow from the pointer, so a Redis Cluster, which wants them named before, cannot serve them.
"""

import hashlib

NOT_BEGUN = "NOTBEGUN"
"""The answer to a loader begins so whose version is removed, or was begun anew since."""

_SEEN = """
local current = redis.call('GET', KEYS[1])
if not current then return {'none'} end
local at = ARGV[1] .. current .. ':'
local meta = redis.call('HGETALL', at .. 'meta')
if #meta == 0 then return {'missing', current} end
local said = {}
for place = 1, #meta, 2 do said[meta[place]] = meta[place + 1] end
if said.state ~= 'whole' then return {'missing', current} end
"""
"""Finds the version that readers see. KEYS: the pointer. ARGV: what the country's keys begin with, and more."""

LOOKUP = f"""#!lua flags=no-writes
{_SEEN}
local parts, buckets, rows = cjson.decode(said.parts), tonumber(said.buckets), {{}}
for place = 2, #ARGV do
  local id, row = ARGV[place], {{}}
  local bucket = string.format('%d', tonumber(string.sub(redis.sha1hex(id), 1, 8), 16) % buckets)
  for number, part in ipairs(parts) do
    row[number] = redis.call('HGET', at .. part .. ':' .. bucket, id)
  end
  rows[#rows + 1] = row
end
return {{'seen', current, meta, rows}}
"""
"""Answers what is published of some ids. ARGV: the prefix, then the ids."""

TOP = f"""#!lua flags=no-writes
{_SEEN}
local best = redis.call('ZRANGE', at .. 'best:' .. ARGV[2], '+inf', ARGV[3], 'BYSCORE', 'REV', 'LIMIT', 0, ARGV[4],
  'WITHSCORES')
return {{'seen', current, meta, best}}
"""
"""Answers a label's best ids. ARGV: the prefix, the label, the least score, and how many at most."""

SEEN = f"""#!lua flags=no-writes
{_SEEN}
return {{'seen', current, meta, {{}}}}
"""
"""Answers which version readers see."""

COUNT = """#!lua flags=no-writes
local entries = 0
for bucket = tonumber(ARGV[2]), tonumber(ARGV[3]) - 1 do
  entries = entries + redis.call('HLEN', ARGV[1] .. string.format('%d', bucket))
end
return entries
"""
"""Counts the entries of buckets. ARGV: what their keys begin with, the first bucket, and the one after the last."""

WRITE = f"""#!lua
if redis.call('HGET', KEYS[1], 'begun_as') ~= ARGV[1] then
  return redis.error_reply('{NOT_BEGUN} the version is not the one that was begun')
end
local call, said, command, prefix, at = redis.call, ARGV, ARGV[2], ARGV[3], 4
while at < #said do
  local last = at + 1 + said[at + 1]
  call(command, prefix .. said[at], unpack(said, at + 2, last))
  at = last + 1
end
return 1
"""
"""Writes several keys of a version, unless it was removed since it was begun. KEYS: its meta hash. ARGV: the word under
which it was begun, the command, what the keys begin with; then for each the rest of its name, how many words, they."""

BEGIN = """#!lua
local state = redis.call('HGET', KEYS[1], 'state')
if state == 'removing' then return state end
for place = 3, #ARGV, 2 do redis.call('HSETNX', KEYS[1], ARGV[place], ARGV[place + 1]) end
redis.call('ZADD', KEYS[2], 'NX', ARGV[2], ARGV[1])
return redis.call('HGET', KEYS[1], 'state')
"""
"""Enters a version unless it is there, and answers its state. KEYS: its meta hash, all versions. ARGV: its name, when,
and what its meta hash says."""

WHOLE_NOW = """#!lua flags=allow-oom
local state = redis.call('HGET', KEYS[1], 'state')
if state ~= 'loading' and state ~= 'whole' then return 0 end
redis.call('HSET', KEYS[1], 'state', 'whole', 'finished_at', ARGV[2])
redis.call('ZADD', KEYS[2], 'NX', ARGV[3], ARGV[1])
return 1
"""
"""Calls a counted version whole. KEYS: its meta hash, all versions. ARGV: its name, and when. 0: it was not begun."""

SWITCH = """#!lua flags=allow-oom
if redis.call('HGET', KEYS[2], 'state') ~= 'whole' then return 0 end
local current = redis.call('GET', KEYS[1])
if current ~= ARGV[1] then
  if current then redis.call('HSET', KEYS[2], 'took_over_from', current) end
  redis.call('SET', KEYS[1], ARGV[1])
end
return 1
"""
"""Points readers at a whole version. KEYS: the pointer, its meta hash. ARGV: its name. 0: it is not whole."""

ROLLBACK = """#!lua flags=allow-oom
local current = redis.call('GET', KEYS[1])
if not current then return {'none'} end
local before = redis.call('HGET', ARGV[1] .. current .. ':meta', 'took_over_from')
if not before then return {'first', current} end
if redis.call('HGET', ARGV[1] .. before .. ':meta', 'state') ~= 'whole' then return {'missing', before} end
redis.call('SET', KEYS[1], before)
return {'switched', before, current}
"""
"""Points readers at the version before. KEYS: the pointer. ARGV: what the country's keys begin with."""

CONDEMN = """#!lua flags=allow-oom
if redis.call('GET', KEYS[1]) == ARGV[1] then return 0 end
if ARGV[2] == 'unlisted' and redis.call('ZSCORE', KEYS[3], ARGV[1]) then return 0 end
redis.call('HSET', KEYS[2], 'state', 'removing')
redis.call('HDEL', KEYS[2], 'begun_as')
redis.call('ZADD', KEYS[3], 'NX', 0, ARGV[1])
return 1
"""
"""Takes a version out of use before it is removed: nothing is written to it any more, and all versions name it until it
is gone. KEYS: the pointer, its meta hash, all versions. ARGV: its name, and which are meant, `listed` or `unlisted`.
0: readers see it, or it is listed and was not meant."""

UNLINK = """#!lua flags=allow-oom
if redis.call('HEXISTS', KEYS[1], 'begun_as') == 1 then return -1 end
if #KEYS > 1 then return redis.call('UNLINK', unpack(KEYS, 2)) end
redis.call('ZREM', ARGV[1], ARGV[2])
return redis.call('UNLINK', KEYS[1], ARGV[3])
"""
"""Unlinks keys of a version that is out of use, and at last, where no other key is named, the version itself. KEYS: its
meta hash, more. ARGV: all versions, its name, its shards. -1: it was begun anew."""


def sha1_of(script: str) -> str:
    """Return by which digest Redis knows a script that it has loaded."""
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
