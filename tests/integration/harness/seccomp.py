"""Runs a command that may make no user namespace, as in many a container: seccomp.py COMMAND..."""
import ctypes
import os
import struct
import sys

CLONE, EXECVE, UNSHARE, CLONE3 = 56, 59, 272, 435
NEW_USER = 0x10000000
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, MODE_FILTER = 22, 38, 2
LOAD, EQUAL, BITS, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, EPERM, ENOSYS = 0x7FFF0000, 0x00050001, 0x00050026
NUMBER, FIRST_ARGUMENT = 0, 16


def instruction(code, value, if_true=0, if_false=0):
    return struct.pack("<HBBI", code, if_true, if_false, value)


def refuse_user_namespaces():
    # clone3's flags are in memory, where no filter can look; without it the C library takes clone.
    program = b"".join([
        instruction(LOAD, NUMBER),
        instruction(EQUAL, CLONE3, 4, 0),
        instruction(EQUAL, UNSHARE, 1, 0),
        instruction(EQUAL, CLONE, 0, 4),
        instruction(LOAD, FIRST_ARGUMENT),
        instruction(BITS, NEW_USER, 1, 2),
        instruction(RETURN, ENOSYS),
        instruction(RETURN, EPERM),
        instruction(RETURN, ALLOW)])
    libc = ctypes.CDLL(None, use_errno=True)
    code = ctypes.create_string_buffer(program, len(program))
    header = ctypes.create_string_buffer(struct.pack("<HxxxxxxQ", len(program) // 8, ctypes.addressof(code)))
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or libc.prctl(PR_SET_SECCOMP, MODE_FILTER, header, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    refuse_user_namespaces()
    os.execvp(sys.argv[1], sys.argv[1:])
