#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The netlink spec against the header: the same commands, attributes, features, in the same order.

Reads as much of YAML as the spec is written in, so that nothing needs to be installed for it.
"""

import os
import re
import sys

TOP = os.environ.get("UPAGER_DIR", os.path.join(os.path.dirname(__file__), "..", ".."))
SPEC = os.path.join(TOP, "uapi/specs/upager.yaml")
HEADER = os.path.join(TOP, "uapi/upager.h")

# Enumerations of the header, and what there is in front of their names.
SETS = {
    "enum upager_attr": "UPAGER_A_",
    "enum upager_cow_attr": "UPAGER_COW_A_",
    "enum upager_paging_attr": "UPAGER_PAGING_A_",
}
COMMANDS = ("enum upager_cmd", "UPAGER_CMD_")
FEATURES = ("enum upager_feature", "UPAGER_FEATURE_")

failed = 0
number = 0


def check(name, wanted, got):
    global failed, number
    number += 1
    if wanted == got:
        print("ok %d - %s" % (number, name))
        return
    failed += 1
    print("not ok %d - %s" % (number, name))
    print("# in the header: %s" % (wanted,))
    print("# in the spec:   %s" % (got,))


def enum_of(text, what, prefix):
    """Names without their prefix, in small letters with dashes, in order of their values from 1."""
    body = re.search(r"^%s \{(.*?)^\};" % re.escape(what), text, re.M | re.S).group(1)
    return listed([{"name": name[len(prefix):].lower().replace("_", "-"), "value": value}
                   if value.isdigit() else name[len(prefix):].lower().replace("_", "-")
                   for name, value in re.findall(r"^\s*(%s\w+)(?: = ([^,]+))?" % prefix, body, re.M)
                   if not name.endswith("_UNSPEC")])


def types_of(text):
    """Attribute name -> the type that the kernel-doc gives it, of those that give one."""
    doc = re.search(r"\* enum upager_attr.*?\*/", text, re.S).group(0)
    found = {}
    for name, rest in re.findall(r"@UPAGER_A_(\w+):\s*(\w+)", doc):
        kind = {"u32": "u32", "u64": "u64", "binary": "binary", "nest": "nest"}.get(rest)
        if kind:
            found[name.lower().replace("_", "-")] = kind
    return found


def scalar(text):
    text = re.sub(r"\s+#.*$", "", text).strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def inline(text):
    text = scalar(text)
    if text.startswith("[") and text.endswith("]"):
        return [scalar(part) for part in text[1:-1].split(",") if part.strip()]
    if text.startswith("{") and text.endswith("}"):
        return dict((scalar(k), inline(v)) for k, v in
                    (part.split(":", 1) for part in text[1:-1].split(",") if part.strip()))
    return text


def parse(lines, indent):
    """Block mappings and sequences by their indentation; lines is consumed from its beginning."""
    if lines and lines[0][1].startswith("-"):
        return parse_sequence(lines, indent)
    result = {}
    while lines and lines[0][0] == indent and not lines[0][1].startswith("-"):
        _, text = lines.pop(0)
        key, _, rest = text.partition(":")
        rest = rest.strip()
        if rest in ("|", ">", "|-", ">-"):
            words = []
            while lines and lines[0][0] > indent:
                words.append(lines.pop(0)[1])
            result[scalar(key)] = " ".join(words)
        elif rest:
            result[scalar(key)] = inline(rest)
            while lines and lines[0][0] > indent:
                lines.pop(0)  # a plain text that goes on
        elif lines and (lines[0][0] > indent or
                        lines[0][0] == indent and lines[0][1].startswith("-")):
            result[scalar(key)] = parse(lines, lines[0][0])
        else:
            result[scalar(key)] = None
    return result


def parse_sequence(lines, indent):
    result = []
    while lines and lines[0][0] == indent and lines[0][1].startswith("-"):
        dash = re.match(r"-\s*", lines[0][1]).end()
        rest = lines[0][1][dash:]
        if not rest:
            lines.pop(0)
            result.append(parse(lines, lines[0][0]))
        elif re.match(r"[\w-]+:(\s|$)", rest):
            lines[0] = (indent + dash, rest)
            result.append(parse(lines, indent + dash))
        else:
            lines.pop(0)
            result.append(inline(rest))
    return result


def load(path):
    with open(path, encoding="utf-8") as spec:
        lines = [line.rstrip("\n") for line in spec]
    lines = [line for line in lines
             if line.strip() and not line.lstrip().startswith("#") and line.strip() != "---"]
    return parse([(len(line) - len(line.lstrip()), line.strip()) for line in lines], 0)


def name_of(entry):
    return entry["name"] if isinstance(entry, dict) else entry


def prefix_of(entry, default):
    return (entry.get("name-prefix") or default).upper().replace("-", "_")


def listed(entries):
    """Names in order of their values; a value that is given must be the one that order gives."""
    value = 0
    names = []
    for entry in entries:
        value = int(entry["value"]) if isinstance(entry, dict) and "value" in entry else value + 1
        while len(names) < value - 1:
            names.append("(missing)")
        names.append(name_of(entry))
    return names


def main():
    if not os.path.exists(HEADER):
        print("1..0 # SKIP no %s here: say where by UPAGER_DIR" % HEADER)
        return 4
    with open(HEADER, encoding="utf-8") as file:
        header = file.read()
    spec = load(SPEC)
    constant = dict(re.findall(r"^#define (UPAGER_\w+)\s+\"?(\w+)\"?", header, re.M))

    print("TAP version 13")
    check("family", constant["UPAGER_FAMILY_NAME"], spec["name"])
    check("version", constant["UPAGER_FAMILY_VERSION"], str(spec.get("version", 1)))
    check("group", [constant["UPAGER_MCGRP_EVENTS"]],
          [name_of(group) for group in spec["mcast-groups"]["list"]])
    check("commands", enum_of(header, *COMMANDS), listed(spec["operations"]["list"]))

    sets = {prefix_of(entry, "upager-%s-a-" % entry["name"]): entry
            for entry in spec["attribute-sets"]}
    check("attribute sets", sorted(SETS.values()), sorted(sets))
    for what, prefix in SETS.items():
        entries = sets.get(prefix, {}).get("attributes", [])
        check(what, enum_of(header, what, prefix), listed(entries))
    kinds = {name_of(a): a.get("type") for a in sets.get("UPAGER_A_", {}).get("attributes", [])}
    wanted = types_of(header)
    check("types", wanted, {name: kinds.get(name) for name in wanted})
    for prefix in sorted(set(SETS.values()) - {"UPAGER_A_"}):
        types = {a.get("type") for a in sets.get(prefix, {}).get("attributes", [])
                 if name_of(a) != "pad"}
        check("types of %s*" % prefix, {"u64"}, types)

    flags = [d for d in spec.get("definitions", []) if d.get("type") == "flags"]
    check("features", enum_of(header, *FEATURES),
          [name_of(e) for d in flags for e in d["entries"]])
    limits = {d["name"]: d["value"] for d in spec.get("definitions", []) if d["type"] == "const"}
    wanted = {name: constant.get("UPAGER_" + name.upper().replace("-", "_")) for name in limits}
    check("limits", wanted, limits)
    check("limits are there", ["pinned-pages-max", "tracked-max", "tracked-per-user"], sorted(limits))
    print("1..%d" % number)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
