"""CRC-32C (Castagnoli), as TFRecord and LevelDB logs mask and keep it."""

from __future__ import annotations


def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_TABLE = _table()


def crc32c(content: bytes, value: int = 0) -> int:
    """The checksum of the content, going on from that of what stood before."""
    value ^= 0xFFFFFFFF
    table = _TABLE
    for byte in content:
        value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


def masked(content: bytes) -> int:
    """The same, turned so that a checksum within what is summed up does no harm."""
    value = crc32c(content)
    return (((value >> 15) | (value << 17)) + 0xA282EAD8) & 0xFFFFFFFF
