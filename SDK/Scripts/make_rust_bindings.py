#!/usr/bin/env python3
"""Writes the Rust bindings of gatehouse.h to standard output.

    SDK/Scripts/make_rust_bindings.py > SDK/Templates/rust/src/gatehouse.rs

It reads the header as it is written: one field on a line, functions as pointers, enums without names. What it does not
understand ends it with the line's text, so that nothing is left out in silence.
"""

import pathlib
import re
import sys

HEADER = pathlib.Path(__file__).resolve().parent.parent / "Sources/CGatehouse/include/gatehouse.h"
NUMBERS = {
    "uint8_t": "u8", "int32_t": "i32", "uint32_t": "u32", "uint64_t": "u64", "float": "f32", "double": "f64",
    "char": "c_char", "void": "c_void", "GatehouseStatus": "GatehouseStatus",
}


def type_in_rust(text):
    """`const char *` becomes `*const c_char`."""
    text = text.strip()
    if text.endswith("*"):
        inner = text[:-1].strip()
        kind = "const" if inner.startswith("const ") and not inner.endswith("*") else "mut"
        return f"*{kind} {type_in_rust(inner.removeprefix('const ') if kind == 'const' else inner)}"
    text = text.removeprefix("const ").strip()
    if text not in NUMBERS and not text.startswith("Gatehouse"):
        sys.exit(f"no Rust type is known for {text!r}")
    return NUMBERS.get(text, text)


def split_declaration(text):
    """`const char *name` becomes its type and its name."""
    match = re.fullmatch(r"(.*?)(\w+)", text.strip())
    return match[1], match[2]


def field_in_rust(text):
    function = re.fullmatch(r"(.*?)\(\*(\w+)\)\s*\((.*)\)", text)
    if not function:
        kind, name = split_declaration(text)
        return f"    pub {name}: {type_in_rust(kind)},"
    result, name, parameters = function.groups()
    taken = []
    for parameter in parameters.split(","):
        kind, parameter_name = split_declaration(parameter)
        taken.append(f"{parameter_name}: {type_in_rust(kind)}")
    answer = "" if result.strip() == "void" else f" -> {type_in_rust(result)}"
    return f"    pub {name}: Option<unsafe extern \"C\" fn({', '.join(taken)}){answer}>,"


def main():
    text = re.sub(r"//[^\n]*", "", HEADER.read_text())
    print("// Made from gatehouse.h, which is the contract and the manual; do not edit.")
    print("#![allow(dead_code)]\n")
    print("use std::ffi::{c_char, c_void};\n")
    print("pub type GatehouseStatus = i32;")
    magic = re.search(r"#define GATEHOUSE_MAGIC (0x\w+?)ull", text)[1]
    print(f"pub const GATEHOUSE_MAGIC: u64 = {magic};")
    for name, value in re.findall(r'#define (\w+) ("[^"]+")', text):
        print(f"pub const {name}: &str = {value};")
    for body in re.findall(r"\benum \{(.*?)\};", text, re.S):
        print()
        for name, value in re.findall(r"(\w+) = (\d+)", body):
            statuses = {"OK", "CANCELLED", "BAD_INPUT", "BAD_CONFIGURATION", "NO_WEIGHTS", "UNSUPPORTED", "UNAVAILABLE",
                        "OUT_OF_MEMORY", "FAILED"}
            kind = "GatehouseStatus" if name.removeprefix("GATEHOUSE_") in statuses else "u32"
            print(f"pub const {name}: {kind} = {value};")
    for name, body in re.findall(r"typedef struct (\w+) \{(.*?)\} \1;", text, re.S):
        fields = [field_in_rust(" ".join(field.split())) for field in body.split(";") if field.strip()]
        print(f"\n#[repr(C)]\n#[derive(Clone, Copy)]\npub struct {name} {{")
        print("\n".join(fields))
        print("}")


main()
