"""What can go wrong with a chunk on a node. Pure; the delivery plane and content say it to clients.

ChunkStoreError
 |-- ChunkAbsent        nothing is stored under this key
 |-- ChunkDamaged       something is stored, but not what was put (bit rot, torn write, swap)
 |    '-- ChunkShort     it ends before the range that was asked for. A ValueError too: a backend
 |                       can't tell a file that was cut short from a caller who asks for too much
 |-- WriteRefused       the bytes offered are not the ones announced; nothing was stored
 |    |-- DigestMismatch
 |    '-- LengthMismatch
 '-- NodeError          the node failed, the bytes are not to blame; another try or node may work
      |-- NodeFull
      |-- NodeOffline   unmounted, unreachable or not ours: never to be taken for "empty"
      '-- KeyMissing    sealed under a master key we were not given: never to be taken for
                        "damaged", since the bytes are good as soon as the key is brought back

Beside these, every backend raises ValueError for a call that can't be meant (a malformed key, a
negative start, a writer used after it was closed): those are mistakes of the caller.
"""


class ChunkStoreError(Exception):
    """Base. Messages name keys and nodes, for operators; never shown to clients as they are."""


class ChunkAbsent(ChunkStoreError):
    pass


class ChunkDamaged(ChunkStoreError):
    pass


class ChunkShort(ChunkDamaged, ValueError):
    pass


class WriteRefused(ChunkStoreError):
    pass


class DigestMismatch(WriteRefused):
    pass


class LengthMismatch(WriteRefused):
    pass


class NodeError(ChunkStoreError):
    pass


class NodeFull(NodeError):
    pass


class NodeOffline(NodeError):
    pass


class KeyMissing(NodeError):
    pass
