"""Runs a .pare file through the C interface with nothing but the standard library."""
import ctypes as c
import sys


class Error(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("status", c.c_int32), ("message", c.c_char * 504)]


class ValueInfo(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("dtype", c.c_int32), ("name", c.c_char_p), ("dims", c.POINTER(c.c_int64)),
                ("symbols", c.POINTER(c.c_char_p)), ("rank", c.c_int32)]


class Tensor(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("dtype", c.c_int32), ("dims", c.POINTER(c.c_int64)), ("data", c.c_void_p),
                ("bytes", c.c_size_t), ("rank", c.c_int32)]


def sized(kind):
    return kind(struct_size=c.sizeof(kind))


class Model:
    def __init__(self, library, path):
        self.library = c.CDLL(library)
        self.handle = c.c_void_p()
        self.call("load_file", path.encode(), None, c.byref(self.handle))

    def call(self, name, *arguments):
        error = sized(Error)
        if getattr(self.library, "pare_model_" + name)(*arguments, c.byref(error)) != 0:
            raise RuntimeError(error.message.decode())

    def input(self):
        info = sized(ValueInfo)
        self.call("input_info", self.handle, 0, c.byref(info))
        return info.name.decode(), info.dtype, info.dims[:info.rank]

    def run(self, shape, values):
        self.call("set_input_shape", self.handle, 0, (c.c_int64 * len(shape))(*shape), len(shape))
        data = (c.c_float * len(values))(*values)
        self.call("run", self.handle, (c.c_void_p * 1)(c.addressof(data)), (c.c_size_t * 1)(c.sizeof(data)), 1)
        output = sized(Tensor)
        self.call("output", self.handle, 0, c.byref(output))
        return c.cast(output.data, c.POINTER(c.c_float))[:output.bytes // 4]

    def close(self):
        self.library.pare_model_free(self.handle)
        self.handle = c.c_void_p()


def main():
    if len(sys.argv) != 3:
        sys.exit(f"usage: {sys.argv[0]} libpare_runtime.so MODEL.pare")
    model = Model(sys.argv[1], sys.argv[2])
    name, dtype, dims = model.input()
    if dtype != 0:
        sys.exit("expected a model of one float input")
    shape = [1 if dim < 0 else dim for dim in dims]
    count = 1
    for dim in shape:
        count *= dim
    print(f"input {name}: F32", *shape)
    values = [i % 17 / 17 for i in range(count)]
    print("output:", *(f"{value:.6g}" for value in model.run(shape, values)))
    model.close()


if __name__ == "__main__":
    main()
