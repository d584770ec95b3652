"""The most stack that the library's functions can take, from a linked program's instructions; see docs/guides/Placement.md.

usage: stack.py bound DIS [MATCH]          a line for each function whose name begins with MATCH (quantinfer_), deepest first
       stack.py check DIS PAGE CORE USED   holds the greatest to what PAGE states for CORE, and to what a run was seen to use

DIS is what `llvm-objdump -d -z --no-show-raw-insn` prints of a program for a 32-bit ARM or RISC-V core. Each function is followed from
instruction to instruction with the depth of its frame; then the calls are. There must be no call by an address that isn't constant, no recursion, and
no frame whose depth isn't known: that is an error which names function and instruction.
"""

import dataclasses
import re
import sys


@dataclasses.dataclass
class Function:
    """A function's instructions by address, name and operands of each, and the words of data between them."""
    name: str
    instructions: dict = dataclasses.field(default_factory=dict)
    words: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Frame:
    """The deepest that a function's own frame is, and how deep it is where it calls another, by that one's address."""
    depth: int = 0
    calls: dict = dataclasses.field(default_factory=dict)

    def call(self, address, depth):
        self.calls[address] = max(depth, self.calls.get(address, 0))


class Unbounded(Exception):
    """Why the stack has no bound that can be known."""


def functions(listing):
    """The functions of a listing by address; several may have one name."""
    found, current = {}, None
    for line in listing:
        if start := re.match(r"([0-9a-f]+) <(.*)>:$", line):
            current = found.setdefault(int(start.group(1), 16), Function(start.group(2)))
        elif current and (parts := re.match(r" *([0-9a-f]+):\s*\t([a-z][a-z0-9_.]*)(?:\t(.*?))?(?:\s+@.*)?$", line)):
            current.instructions[int(parts.group(1), 16)] = (parts.group(2), parts.group(3) or "")
        elif current and (parts := re.match(r" *([0-9a-f]+):.*\t\.word\t0x([0-9a-f]+)", line)):
            current.words[int(parts.group(1), 16)] = int(parts.group(2), 16)
    return found


def constant_call(function, address):
    """The address that a register was given for several calls of one function: a word of data and the place of the addition, as the
    compiler makes it to save code, also after copies to other registers. None where the register comes from anywhere else."""
    register, added = function.instructions[address][1], None
    before = sorted(place for place in function.instructions if place < address)
    while before:
        place = before.pop()
        name, operands = function.instructions[place]
        target, _, source = operands.partition(", ")
        if target != register or name.startswith(("st", "cmp", "cmn", "tst", "cb", "blx", "bx")):
            continue
        if name == "mov" and re.fullmatch(r"r\d+", source):
            register = source
        elif name == "add" and source == "pc":
            added = place
        elif added and (literal := re.match(r"\[pc, #0x([0-9a-f]+)\]$", source)) and name.startswith("ldr"):
            word = function.words.get((place + 4 & ~3) + int(literal.group(1), 16))
            return None if word is None else (word + added + 4) & 0xFFFFFFFE
        else:
            return None
    return None


def registers(text):
    """The bytes of the registers in a list such as {r4, r5, lr} or {d8-d11}."""
    count = 0
    for each in re.search(r"\{(.*)\}", text).group(1).split(","):
        first, _, last = each.strip().partition("-")
        several = int(last[1:]) - int(first[1:]) + 1 if last else 1
        count += several * (8 if first[0] == "d" else 4)
    return count


def number(text):
    found = re.search(r"#(-?(?:0x[0-9a-f]+|\d+))$", text)
    return int(found.group(1), 0) if found else None


def change(name, operands):
    """By how much an instruction deepens the frame; None where it sets the stack pointer to something else."""
    base = name.removesuffix(".w")
    if base in ("push", "vpush"):
        return registers(operands)
    if base in ("pop", "vpop"):
        return -registers(operands)
    if base in ("stmdb", "vstmdb") and operands.startswith("sp!"):
        return registers(operands)
    if base in ("ldm", "ldmia", "vldmia"):
        return -registers(operands) if operands.startswith("sp!") else 0
    if moved := re.search(r"\[sp, #(-?(?:0x[0-9a-f]+|\d+))\]!|\[sp\], #(-?(?:0x[0-9a-f]+|\d+))$", operands):
        return -int(moved.group(1) or moved.group(2), 0)
    target, _, rest = operands.partition(", ")
    if base == "addi" and operands.startswith("sp, sp, "):
        return -int(operands.split(", ")[2], 0)
    if target != "sp" or re.match(r"(cmp|cmn|tst|str|stm|vstr|vstm)", base):
        return 0
    value = number(operands)
    if base in ("sub", "subw", "add", "addw") and rest.removeprefix("sp, ").startswith("#"):
        return value if base.startswith("sub") else -value
    return None


def restored(instructions, address):
    """The frame's depth after the stack pointer was set from a register: what the rest of the function takes off, if it only does."""
    name, operands = instructions[address]
    source = operands.partition(", ")[2]
    if source.startswith("sp") or not name.startswith("mov") and "," not in source:
        return None  # by so much as a register says
    depth = 0
    for place in sorted(place for place in instructions if place > address):
        name, operands = instructions[place]
        step = change(name, operands)
        if step is None or step >= 0:
            return depth if name in ("bx", "b", "b.w", "ret") else None
        depth -= step
        if "pc}" in operands:
            return depth
    return None


def alignment(instructions, address):
    """By how much an alignment deepens the frame at most: the bits that the instruction before it clears."""
    before = max((place for place in instructions if place < address), default=None)
    name, operands = instructions.get(before, ("", ""))
    if name in ("lsls", "lsl") and operands.startswith(instructions[address][1].partition(", ")[2]):
        return (1 << number(operands)) - 1
    if name in ("bic", "bfc"):
        bits = operands.split("#")
        return int(bits[-1], 0) if name == "bic" else (1 << int(bits[-1], 0)) - 1
    return None


# Those that may go on with the next instruction as well.
BRANCH = re.compile(
    r"(b(eq|ne|cs|cc|hs|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)(\.w)?|cbn?z|le|lee|wls|b(eq|ne|lt|le|gt|ge)z|b(ltu|geu))$")
# A call that its condition may skip, in an IT block.
CONDITIONAL_CALL = re.compile(r"bl(eq|ne|cs|cc|hs|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)$")
ALWAYS = ("b", "b.w", "j")
STOPS = ("udf", "trap", "bkpt", "ebreak", "unimp")


def frame_of(function):
    """A function's frame."""
    instructions, frame = function.instructions, Frame()
    ordered = sorted(instructions)
    following = dict(zip(ordered, ordered[1:]))
    depths, waiting, computed, led_to_by_none = {}, [(ordered[0], 0)], [], None

    def fail(address, why):
        raise Unbounded(f"{function.name}+0x{address - ordered[0]:x}: {' '.join(instructions[address])}: {why}")

    while True:
        while waiting:
            address, depth = waiting.pop()
            if address in depths:
                if depths[address] != depth:
                    fail(address, f"the frame has {depths[address]} or {depth} bytes there")
                continue
            depths[address] = depth
            name, operands = instructions[address]
            target = re.search(r"(?:^|, )0x([0-9a-f]+) <([^>]*?)(?:\+0x[0-9a-f]+)?>", operands)
            place = int(target.group(1), 16) if target else None
            step = change(name, operands)
            if step is None:
                if (back := restored(instructions, address)) is not None:
                    step = back - depth
                elif (more := alignment(instructions, address)) is not None:
                    step = more
                else:
                    fail(address, "a frame of unknown size")
            depth += step
            frame.depth = max(frame.depth, depth)
            is_return = "pc}" in operands and step < 0 or (name, operands) in (("bx", "lr"), ("ret", ""), ("jr", "t0")) or \
                operands.startswith("pc, [sp]")
            after = following.get(address)
            if name == "bl" and place in instructions and place != ordered[0]:
                # A jump too far for a branch of the least cores.
                waiting.append((place, depth))
                after = None
            elif name in ("bl", "blx", "jal", "jalr") or CONDITIONAL_CALL.match(name):
                callee = place if target else constant_call(function, address) if name == "blx" else None
                if callee is None:
                    fail(address, "a call by address")
                frame.call(callee, depth)
            elif name in ALWAYS or BRANCH.match(name) and target:
                if place in instructions:
                    waiting.append((place, depth))
                elif target.group(2) == function.name:
                    # A linker's filling between functions.
                    if address == led_to_by_none:
                        continue
                    fail(address, "leads into the middle of an instruction")
                else:
                    # The other function returns to this one's caller.
                    frame.call(place, depth)
                if name in ALWAYS:
                    after = None
            elif not is_return and (name in ("tbb", "tbh", "bx", "jr") or
                                    name.startswith(("add", "mov", "ldr")) and operands.startswith("pc,")):
                computed.append(depth)
                after = None
            if is_return or name in STOPS:
                after = None
            if after is not None:
                waiting.append((after, depth))
        # What no instruction leads to by its address, a jump into a table or a loop does: each from the same depth.
        unseen = [address for address in ordered if address not in depths]
        if not computed or not unseen:
            return frame
        if len(set(computed)) > 1:
            raise Unbounded(f"{function.name}: jumps by address from frames of {sorted(set(computed))} bytes")
        led_to_by_none = unseen[0]
        waiting.append((led_to_by_none, computed[0]))


def bounds(listing, match):
    """The most stack below each function whose name begins with `match`: its bytes, and the way down."""
    found = functions(listing)
    deepest = {}

    def descend(address, path):
        if address not in found:
            raise Unbounded(f"0x{address:x}: called by {found[path[-1]].name}, and no function begins there")
        if address in path:
            raise Unbounded(f"recursion: {' -> '.join(found[each].name for each in [*path[path.index(address):], address])}")
        if address not in deepest:
            frame = frame_of(found[address])
            most, way = frame.depth, []
            for callee, depth in frame.calls.items():
                below, further = descend(callee, [*path, address])
                if depth + below > most:
                    most, way = depth + below, [found[callee].name, *further]
            deepest[address] = most, way
        return deepest[address]

    return {function.name: descend(address, []) for address, function in found.items() if function.name.startswith(match)}


def stated(page, core):
    """The bytes that a page states for a core, in its table's line that begins with it."""
    found = re.search(rf"^\| `{re.escape(core)}` \| ([0-9,]+) \|", open(page).read(), re.MULTILINE)
    return int(found.group(1).replace(",", "")) if found else None


def check(listing, page, core, used):
    most = max(bytes for bytes, _ in bounds(listing, "quantinfer_").values())
    limit = stated(page, core)
    print(f"{core}: at most {most} bytes of stack by the calls, {used} seen")
    if used > most:
        sys.exit(f"error: {core}: a run took {used} bytes of stack; the bound of {most} is wrong")
    if limit is None or most > limit:
        sys.exit(f"error: {page}: states {limit} bytes of stack for {core}; write {most}, or find what has grown: "
                 f"python3 Firmware/stack.py bound {sys.argv[2]}")


def main(arguments):
    try:
        match arguments:
            case ["bound", listing, *rest]:
                found = bounds(open(listing), rest[0] if rest else "quantinfer_")
                for name, (most, way) in sorted(found.items(), key=lambda each: -each[1][0]):
                    print(f"{most:6} {name}{''.join(f' -> {each}' for each in way)}")
            case ["check", listing, page, core, used]:
                check(open(listing), page, core, int(used))
            case _:
                sys.exit(__doc__)
    except Unbounded as error:
        sys.exit(f"error: {arguments[1]}: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
