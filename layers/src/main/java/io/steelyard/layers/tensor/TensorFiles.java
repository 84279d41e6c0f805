package io.steelyard.layers.tensor;

import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Reads operator calls from files and streams, and writes their outputs.
 *
 * <p>JSON, read: {@code {"inputs": {"x": {"shape": [2, 3], "data": [1, 2, 3, 4, 5, 6], "dtype":
 * "f32"}}, "params": {"k": 2}}}; written: the same tensors under {@code "outputs"}. {@link
 * TensorJson} has the rules for one tensor. The other formats hold tensors only and go through
 * DJL's codecs, without starting libtorch; {@link TensorFormat} lists them. They read every numeric
 * type that DJL decodes (float16 and bfloat16 widen to f32; whole numbers become i32 if they fit)
 * and write f32, f64, i32 and bool.
 *
 * <pre>{@code
 * OperatorCall call = TensorFiles.read(Path.of("in.json"), TensorFiles.Reading.of("x"));
 * Map<String, Tensor> outputs = Operators.named("softmax").apply(call.inputs(), call.parameters());
 * TensorFiles.write(Path.of("out.npz"), outputs);
 * }</pre>
 */
public final class TensorFiles {

  /**
   * How to read.
   *
   * @param ports names for tensors that have none in the file, in order; a tensor beyond them is
   *     called {@code arr_0}, {@code arr_1}, ...
   * @param floats the type that all f32 and f64 tensors are converted to, if any. JSON numbers
   *     without a dtype are rounded once to this type; those with a dtype are rounded to it first
   */
  public record Reading(List<String> ports, Optional<DType> floats) {

    /** Copies the list. */
    public Reading {
      ports = List.copyOf(ports);
      floats.ifPresent(
          dtype -> {
            if (!dtype.isFloat()) {
              throw new IllegalArgumentException(
                  "floats is " + dtype.label() + "; expected f32 or f64");
            }
          });
    }

    /** Tensors as the file has them, nameless ones called {@code ports}. */
    public static Reading of(String... ports) {
      return new Reading(List.of(ports), Optional.empty());
    }

    /** The same, with all float tensors converted to {@code dtype}. */
    public Reading as(DType dtype) {
      return new Reading(ports, Optional.of(dtype));
    }
  }

  private TensorFiles() {}

  /**
   * Reads a file whose ending names the format.
   *
   * @throws IllegalArgumentException if the file is not what its format says; the message names the
   *     file, the place in it, the value and what was expected
   * @throws UncheckedIOException if it cannot be read
   */
  public static OperatorCall read(Path file, Reading reading) {
    final TensorFormat format = TensorFormat.of(file);
    try (InputStream in = Files.newInputStream(file)) {
      return read(in, format, file.toString(), reading);
    } catch (NoSuchFileException e) {
      throw new UncheckedIOException("file " + file + " does not exist", e);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file + ": " + e.getMessage(), e);
    }
  }

  /**
   * An array of unsigned bytes.
   *
   * @param shape its extents
   * @param content its numbers in C order; read-only
   */
  public record Bytes(List<Long> shape, ByteBuffer content) {

    /** Copies the list and guards the content. */
    public Bytes {
      shape = List.copyOf(shape);
      content = content.asReadOnlyBuffer();
    }
  }

  /**
   * Reads the arrays of an {@code .npz} file that are all uint8, as pictures are: a quarter of what
   * they take as tensors of i32.
   *
   * @throws IllegalArgumentException if the file is no whole {@code .npz} file or an array is of
   *     another type; the message names the file, the array, the type and what was expected
   * @throws UncheckedIOException if it cannot be read
   */
  public static Map<String, Bytes> readBytes(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      return TensorCodec.bytes(in, TensorFormat.NPZ, file.toString());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file + ": " + e.getMessage(), e);
    }
  }

  /**
   * Reads a stream to its end; it is not closed.
   *
   * @param source what messages call the stream, for example {@code stdin}
   */
  public static OperatorCall read(
      InputStream in, TensorFormat format, String source, Reading reading) {
    return switch (format) {
      case JSON -> CallJson.read(in, source, reading);
      case NPY, NPZ, SAFETENSORS ->
          new OperatorCall(TensorCodec.decode(in, format, source, reading), Map.of());
    };
  }

  /**
   * Writes outputs to a file whose ending names the format. The file appears whole or not at all.
   *
   * @throws IllegalArgumentException if the format cannot hold them ({@code .npy} holds exactly
   *     one)
   * @throws UncheckedIOException if it cannot be written
   */
  public static void write(Path file, Map<String, Tensor> outputs) {
    final TensorFormat format = TensorFormat.of(file);
    AtomicFile.write(file, out -> write(out, format, outputs));
  }

  /** Writes outputs to a stream, which is flushed and not closed. */
  public static void write(OutputStream out, TensorFormat format, Map<String, Tensor> outputs) {
    try {
      switch (format) {
        case JSON -> CallJson.write(out, outputs);
        case NPY, NPZ, SAFETENSORS -> out.write(TensorCodec.encode(format, outputs));
      }
      out.flush();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the outputs: " + e.getMessage(), e);
    }
  }

  /** The JSON text of these outputs. */
  public static String json(Map<String, Tensor> outputs) {
    final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    write(bytes, TensorFormat.JSON, outputs);
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
