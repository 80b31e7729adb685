"""What stands in the head of a GGUF file: metadata and the list of tensors."""

import dataclasses
import math
import struct
import sys

# Name, elements and bytes of a block of each type, by GGUF's number.
TYPES = {0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22),
         7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176),
         14: ("Q6_K", 256, 210), 30: ("BF16", 1, 2)}
STRING, ARRAY = 8, 9
# struct's letter for each type of a metadata value.
FORMS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


@dataclasses.dataclass
class Tensor:
    name: str
    # Inputs first, as the file has them.
    extents: tuple[int, ...]
    type: int

    @property
    def elements(self):
        return math.prod(self.extents)

    @property
    def bytes(self):
        _, elements, size = TYPES[self.type]
        return self.elements // elements * size


class GGUFFile:
    """`fields` holds each metadata value as it stands in the file, its type before it; `value` reads single ones."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read(64 << 20)  # no head is longer
        if self.data[:4] != b"GGUF":
            sys.exit(f"{path}: expected a GGUF file")
        self.at = 8
        tensors, fields = self.number("Q"), self.number("Q")
        self.fields = {}
        for _ in range(fields):
            name = self.string().decode()
            start = self.at
            self.skip(self.number("I"))
            self.fields[name] = self.data[start:self.at]
        self.tensors = [self.tensor() for _ in range(tensors)]

    def value(self, name, default=None):
        """A number or a string."""
        if name not in self.fields:
            return default
        field = self.fields[name]
        kind, = struct.unpack_from("<I", field)
        return field[12:].decode() if kind == STRING else struct.unpack_from("<" + FORMS[kind], field, 4)[0]

    def tensor(self):
        name = self.string().decode()
        extents = tuple(self.number("Q") for _ in range(self.number("I")))
        kind = self.number("I")
        self.at += 8  # the offset
        return Tensor(name, extents, kind)

    def number(self, form):
        value, = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return value

    def string(self):
        length = self.number("Q")
        self.at += length
        return self.data[self.at - length:self.at]

    def skip(self, kind):
        if kind == STRING:
            self.string()
        elif kind == ARRAY:
            element, count = self.number("I"), self.number("Q")
            if element in FORMS:
                self.at += struct.calcsize(FORMS[element]) * count
            else:
                for _ in range(count):
                    self.skip(element)
        else:
            self.at += struct.calcsize(FORMS[kind])
