package io.steelyard.layers.tensor;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.util.passthrough.PassthroughNDManager;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Halves;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.engine.Libtorch;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipInputStream;

/**
 * NumPy and safetensors files through DJL's codecs.
 *
 * <p>The arrays belong to DJL's pass-through manager, which keeps plain buffers, so no native
 * library is loaded.
 */
final class TensorCodec {

  private TensorCodec() {}

  static Map<String, Tensor> decode(
      InputStream in, TensorFormat format, String source, TensorFiles.Reading reading) {
    final NDList arrays = arrays(in, format, source);
    final Map<String, Tensor> tensors = new LinkedHashMap<>();
    int nameless = 0;
    for (final NDArray array : arrays) {
      final String name;
      if (array.getName() == null) {
        name =
            nameless < reading.ports().size() ? reading.ports().get(nameless) : "arr_" + nameless;
        nameless++;
      } else {
        name = array.getName();
      }
      final Tensor tensor = tensor(array, source + ": " + name);
      final Tensor converted =
          reading
              .floats()
              .filter(wanted -> tensor.dtype().isFloat() && tensor.dtype() != wanted)
              .map(tensor::to)
              .orElse(tensor);
      if (tensors.put(name, converted) != null) {
        throw twice(source, name);
      }
    }
    return tensors;
  }

  /** Named arrays of uint8 as they are stored. */
  static Map<String, TensorFiles.Bytes> bytes(InputStream in, TensorFormat format, String source) {
    final Map<String, TensorFiles.Bytes> all = new LinkedHashMap<>();
    for (final NDArray array : arrays(in, format, source)) {
      final String name = String.valueOf(array.getName());
      if (array.getDataType() != DataType.UINT8) {
        throw new IllegalArgumentException(
            source + ": " + name + " is " + array.getDataType() + "; expected uint8");
      }
      final List<Long> shape = Arrays.stream(array.getShape().getShape()).boxed().toList();
      if (all.put(name, new TensorFiles.Bytes(shape, array.toByteBuffer(true))) != null) {
        throw twice(source, name);
      }
    }
    return all;
  }

  private static IllegalArgumentException twice(String source, String name) {
    return new IllegalArgumentException(
        source + ": tensor '" + name + "' is there twice; expected each name once");
  }

  private static NDList arrays(InputStream in, TensorFormat format, String source) {
    final byte[] bytes;
    try {
      bytes = in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + source + ": " + e.getMessage(), e);
    }
    checkStart(bytes, format, source);
    Libtorch.configure();
    try {
      return NDList.decode(PassthroughNDManager.INSTANCE, bytes);
    } catch (RuntimeException e) {
      // The codec throws whatever its parsing runs into: negative sizes, null fields, bad JSON.
      throw new IllegalArgumentException(
          source
              + ": not a readable "
              + format.ending()
              + " file ("
              + reason(e)
              + "); expected little-endian or native numbers in C order, and a whole file",
          e);
    }
  }

  static byte[] encode(TensorFormat format, Map<String, Tensor> tensors) {
    if (format == TensorFormat.NPY && tensors.size() != 1) {
      throw new IllegalArgumentException(
          "outputs are "
              + tensors.keySet()
              + "; a .npy file holds exactly one array: use .npz, .safetensors or .json");
    }
    Libtorch.configure();
    final NDList arrays = new NDList();
    tensors.forEach(
        (name, tensor) -> {
          final NDArray array = array(tensor);
          array.setName(name);
          arrays.add(array);
        });
    return switch (format) {
      case SAFETENSORS -> arrays.encode(NDList.Encoding.SAFETENSORS);
      case NPZ -> arrays.encode(NDList.Encoding.NPZ);
      case NPY -> onlyEntry(arrays.encode(NDList.Encoding.NPZ));
      case JSON -> throw new IllegalArgumentException("format is JSON; expected a binary one");
    };
  }

  /** DJL writes NumPy arrays only inside a zip; one entry of it is an {@code .npy} file. */
  private static byte[] onlyEntry(byte[] npz) {
    try (ZipInputStream zip = new ZipInputStream(new ByteArrayInputStream(npz))) {
      zip.getNextEntry();
      return zip.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot unpack the encoded array", e);
    }
  }

  private static void checkStart(byte[] bytes, TensorFormat format, String source) {
    final boolean right =
        switch (format) {
          case NPY -> startsWith(bytes, "\u0093NUMPY");
          case NPZ -> startsWith(bytes, "PK");
          case SAFETENSORS -> bytes.length > 8 && bytes[8] == '{' && headerFits(bytes);
          case JSON -> false;
        };
    if (!right) {
      throw new IllegalArgumentException(
          source
              + ": "
              + bytes.length
              + " bytes that do not begin like a "
              + format.ending()
              + " file; expected "
              + switch (format) {
                case NPY -> "\\x93NUMPY";
                case NPZ -> "a zip archive (PK)";
                case SAFETENSORS -> "the length of a JSON header and the header";
                case JSON -> "a binary format";
              });
    }
  }

  private static boolean startsWith(byte[] bytes, String start) {
    final byte[] wanted = start.getBytes(StandardCharsets.ISO_8859_1);
    return bytes.length >= wanted.length
        && ByteBuffer.wrap(bytes, 0, wanted.length).equals(ByteBuffer.wrap(wanted));
  }

  /** Checked here because the codec allocates whatever the first eight bytes say. */
  private static boolean headerFits(byte[] bytes) {
    final long length = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
    return length >= 0 && length <= bytes.length - Long.BYTES;
  }

  private static Tensor tensor(NDArray array, String place) {
    final ByteBuffer stored = array.toByteBuffer(true);
    final ByteBuffer data = stored.duplicate().order(stored.order());
    final long[] shape = array.getShape().getShape();
    final int size = Math.toIntExact(array.getShape().size());
    return switch (array.getDataType()) {
      case FLOAT32 -> {
        final float[] values = new float[size];
        data.asFloatBuffer().get(values);
        yield Tensor.of(values, shape);
      }
      case FLOAT64 -> {
        final double[] values = new double[size];
        data.asDoubleBuffer().get(values);
        yield Tensor.of(values, shape);
      }
      case FLOAT16, BFLOAT16 -> {
        final boolean brain = array.getDataType() == DataType.BFLOAT16;
        final float[] values = new float[size];
        for (int i = 0; i < size; i++) {
          final short bits = data.getShort();
          values[i] = brain ? Float.intBitsToFloat(bits << 16) : Float.float16ToFloat(bits);
        }
        yield Tensor.of(values, shape);
      }
      case BOOLEAN -> {
        final boolean[] values = new boolean[size];
        for (int i = 0; i < size; i++) {
          values[i] = data.get() != 0;
        }
        yield Tensor.of(values, shape);
      }
      case INT8, UINT8, INT16, UINT16, INT32, UINT32, INT64, UINT64 -> {
        final int[] values = new int[size];
        for (int i = 0; i < size; i++) {
          values[i] = whole(data, array.getDataType(), place + "[" + i + "]");
        }
        yield Tensor.of(values, shape);
      }
      case COMPLEX64, STRING, UNKNOWN ->
          throw new IllegalArgumentException(
              place + " is " + array.getDataType() + "; expected real numbers or booleans");
    };
  }

  private static int whole(ByteBuffer data, DataType type, String place) {
    final long value =
        switch (type) {
          case INT8 -> data.get();
          case UINT8 -> Byte.toUnsignedInt(data.get());
          case INT16 -> data.getShort();
          case UINT16 -> Short.toUnsignedInt(data.getShort());
          case INT32 -> data.getInt();
          case UINT32 -> Integer.toUnsignedLong(data.getInt());
          default -> data.getLong();
        };
    // A uint64 beyond the range of long is negative here; a small negative one must not pass.
    final boolean wrapped = type == DataType.UINT64 && value < 0;
    if (wrapped || value != (int) value) {
      throw new IllegalArgumentException(
          place
              + " is "
              + (wrapped ? Long.toUnsignedString(value) : Long.toString(value))
              + " ("
              + type
              + "); expected whole numbers that fit 32 bits");
    }
    return (int) value;
  }

  private static NDArray array(Tensor tensor) {
    final int size = Math.toIntExact(tensor.size());
    final ByteBuffer data =
        ByteBuffer.allocate(Math.multiplyExact(size, tensor.dtype().bytes()))
            .order(ByteOrder.nativeOrder());
    if (tensor.isContiguous() && tensor.dtype() != DType.BOOL) {
      final int bytes = tensor.dtype().bytes();
      MemorySegment.copy(
          tensor.memory(),
          tensor.offset() * bytes,
          MemorySegment.ofBuffer(data),
          0,
          (long) size * bytes);
      return PassthroughNDManager.INSTANCE.create(
          data, new Shape(tensor.shape()), NDArrayTensors.dataType(tensor.dtype()));
    }
    for (int i = 0; i < size; i++) {
      final double value = tensor.getDouble(tensor.flatIndex(i));
      switch (tensor.dtype()) {
        case F32 -> data.putFloat((float) value);
        case F16, BF16 -> data.putShort(Halves.of(tensor.dtype(), value));
        case F64 -> data.putDouble(value);
        case I32 -> data.putInt((int) value);
        case BOOL -> data.put((byte) value);
      }
    }
    final DType dtype = tensor.dtype();
    return PassthroughNDManager.INSTANCE.create(
        data.flip(), new Shape(tensor.shape()), NDArrayTensors.dataType(dtype));
  }

  private static String reason(Throwable e) {
    Throwable root = e;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root.getMessage() == null ? root.getClass().getSimpleName() : root.getMessage();
  }
}
