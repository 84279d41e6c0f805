package io.steelyard.layers.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class TensorFilesTest {

  private static final TensorFiles.Reading X = TensorFiles.Reading.of("x");

  @TempDir private Path folder;

  private static OperatorCall json(String text, TensorFiles.Reading reading) {
    return TensorFiles.read(
        new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)),
        TensorFormat.JSON,
        "case.json",
        reading);
  }

  private static Tensor x(String tensor) {
    return json("{\"inputs\": {\"x\": " + tensor + "}}", X).inputs().get("x");
  }

  private static void assertSame(String what, Tensor actual, Tensor expected) {
    assertThat(actual.dtype()).describedAs(what).isEqualTo(expected.dtype());
    assertThat(actual.shape()).describedAs(what).containsExactly(expected.shape());
    // Boxed doubles compare bits: NaN equals NaN and the zeros differ.
    assertThat(Arrays.stream(actual.toDoubleArray()).boxed().toList())
        .describedAs(what)
        .isEqualTo(Arrays.stream(expected.toDoubleArray()).boxed().toList());
  }

  @Test
  void bytesAreReadAsTheyAreStored() throws IOException {
    final Path file = folder.resolve("bytes.npz");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
      zip.putNextEntry(new ZipEntry("pixels.npy"));
      zip.write(npyFile("|u1", "0001027f80ff", "2, 3"));
    }
    final Map<String, TensorFiles.Bytes> arrays = TensorFiles.readBytes(file);
    assertThat(arrays).containsOnlyKeys("pixels");
    assertThat(arrays.get("pixels").shape()).containsExactly(2L, 3L);
    final ByteBuffer content = arrays.get("pixels").content();
    assertThat(content.isReadOnly()).isTrue();
    final byte[] bytes = new byte[content.remaining()];
    content.duplicate().get(bytes);
    assertThat(bytes).containsExactly(0, 1, 2, 127, -128, -1);
  }

  @Test
  void whatIsNotBytesIsNamed() {
    final Path file = folder.resolve("floats.npz");
    TensorFiles.write(file, Map.of("x", Tensor.of(new float[] {1, 2}, 2)));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TensorFiles.readBytes(file))
        .withMessage(file + ": x is float32; expected uint8");
  }

  private static Map<String, Tensor> everything() {
    final Map<String, Tensor> tensors = new LinkedHashMap<>();
    tensors.put(
        "f32",
        Tensor.of(
            new float[] {
              0.1f,
              -0f,
              Float.NaN,
              Float.POSITIVE_INFINITY,
              Float.NEGATIVE_INFINITY,
              Float.MIN_VALUE
            },
            2,
            3));
    tensors.put("f64", Tensor.of(new double[] {0.1, -0.0, Double.NaN, 1e300, Double.MIN_VALUE}, 5));
    tensors.put("i32", Tensor.of(new int[] {Integer.MIN_VALUE, -1, 0, Integer.MAX_VALUE}, 2, 1, 2));
    tensors.put("bool", Tensor.of(new boolean[] {true, false, true}, 3));
    tensors.put("scalar", Tensor.of(new double[] {Double.NEGATIVE_INFINITY}));
    tensors.put("empty", Tensor.zeros(DType.F32, 0));
    tensors.put("emptyRows", Tensor.zeros(DType.F32, 2, 0, 3));
    tensors.put("transposed", Tensor.of(new float[] {1, 2, 3, 4, 5, 6}, 2, 3).transpose(0, 1));
    return tensors;
  }

  @ParameterizedTest
  @EnumSource(
      value = TensorFormat.class,
      names = {"NPZ", "SAFETENSORS"})
  void namedTensorsSurviveTheRoundTrip(TensorFormat format) {
    final Path file = folder.resolve("all" + format.ending());
    TensorFiles.write(file, everything());
    final Map<String, Tensor> read = TensorFiles.read(file, X).inputs();
    assertThat(read.keySet()).containsExactlyInAnyOrderElementsOf(everything().keySet());
    everything().forEach((name, tensor) -> assertSame(format + " " + name, read.get(name), tensor));
  }

  @Test
  void jsonSurvivesTheRoundTrip() {
    final String text = TensorFiles.json(everything());
    final Map<String, Tensor> read = json(text.replace("outputs", "inputs"), X).inputs();
    assertThat(read.keySet()).containsExactlyElementsOf(everything().keySet());
    everything().forEach((name, tensor) -> assertSame("json " + name, read.get(name), tensor));
  }

  @Test
  void eachTensorAloneSurvivesNpyUnderThePortsName() {
    everything()
        .forEach(
            (name, tensor) -> {
              final Path file = folder.resolve(name + ".npy");
              TensorFiles.write(file, Map.of(name, tensor));
              final OperatorCall call = TensorFiles.read(file, X);
              assertThat(call.parameters()).isEmpty();
              assertThat(call.inputs()).containsOnlyKeys("x");
              assertSame("npy " + name, call.inputs().get("x"), tensor);
            });
  }

  @Test
  void jsonIsWrittenAsDocumented() {
    final Map<String, Tensor> outputs = new LinkedHashMap<>();
    outputs.put("y", Tensor.of(new float[] {0.1f, Float.NaN, 1e10f, -0f}, 2, 2));
    outputs.put("z", Tensor.of(new double[] {Double.NEGATIVE_INFINITY, 0.1}, 2));
    outputs.put("n", Tensor.of(new int[] {7}));
    outputs.put("m", Tensor.of(new boolean[] {true, false}, 2));
    assertThat(TensorFiles.json(outputs))
        .isEqualTo(
            """
            {"outputs":{"y":{"shape":[2,2],"data":[0.1,"NaN",1.0E10,-0.0],"dtype":"f32"},\
            "z":{"shape":[2],"data":["-Infinity",0.1],"dtype":"f64"},\
            "n":{"shape":[],"data":[7],"dtype":"i32"},\
            "m":{"shape":[2],"data":[true,false],"dtype":"bool"}}}
            """);
  }

  @Test
  void jsonIsReadAsDocumented() {
    assertSame("flat", x("{\"shape\": [1, 2], \"data\": [1, 2]}"), f32(new float[] {1, 2}, 1, 2));
    assertSame("nested", x("{\"data\": [[1, 2], [3, 4]]}"), f32(new float[] {1, 2, 3, 4}, 2, 2));
    assertSame(
        "nested and shaped",
        x("{\"data\": [[1], [3]], \"shape\": [2, 1]}"),
        f32(new float[] {1, 3}, 2, 1));
    assertSame("scalar", x("{\"data\": 3}"), f32(new float[] {3}));
    assertSame("flat scalar", x("{\"shape\": [], \"data\": [3]}"), f32(new float[] {3}));
    assertSame("empty", x("{\"data\": []}"), f32(new float[0], 0));
    assertSame("empty rows", x("{\"data\": [[], []]}"), f32(new float[0], 2, 0));
    assertSame(
        "empty, shaped",
        x("{\"shape\": [2, 0, 3], \"data\": [[], []]}"),
        f32(new float[0], 2, 0, 3));
    assertSame(
        "bool",
        x("{\"data\": [true, 0, 1, false], \"dtype\": \"bool\"}"),
        Tensor.of(new boolean[] {true, false, true, false}, 4));
    assertSame(
        "whole floats as i32",
        x("{\"dtype\": \"i32\", \"data\": [2.0, -3e2]}"),
        Tensor.of(new int[] {2, -300}, 2));
    assertSame(
        "non-finite",
        x("{\"data\": [\"NaN\", \"Infinity\", \"-Infinity\"]}"),
        f32(new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}, 3));
  }

  @Test
  void eachNumberIsRoundedOnce() {
    // Just above the middle of 1 and the next float: through double it would fall on the middle.
    final String text = "{\"data\": [1.000000059604644775390625000000001]}";
    assertThat(x(text).get(0)).isEqualTo(Math.nextUp(1f));
    assertThat(x("{\"data\": [0.1]}").get(0)).isEqualTo((double) 0.1f);
    final String doc = "{\"inputs\": {\"x\": {\"data\": [0.1]}}}";
    assertThat(json(doc, X.as(DType.F64)).inputs().get("x").get(0)).isEqualTo(0.1);
    final String typed = "{\"inputs\": {\"x\": {\"data\": [0.1], \"dtype\": \"f32\"}}}";
    final Tensor widened = json(typed, X.as(DType.F64)).inputs().get("x");
    assertThat(widened.dtype()).isEqualTo(DType.F64);
    assertThat(widened.get(0)).isEqualTo((double) 0.1f);
  }

  @Test
  void floatsConvertAndOtherTypesStay() {
    final Path file = folder.resolve("all.npz");
    TensorFiles.write(file, everything());
    final Map<String, Tensor> read = TensorFiles.read(file, X.as(DType.F64)).inputs();
    assertThat(read.get("f32").dtype()).isEqualTo(DType.F64);
    assertThat(read.get("i32").dtype()).isEqualTo(DType.I32);
    assertThat(read.get("bool").dtype()).isEqualTo(DType.BOOL);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> X.as(DType.I32))
        .withMessageContaining("floats is i32");
  }

  @Test
  void parametersKeepTheirKinds() {
    final OperatorCall call =
        json(
            "{\"params\": {\"k\": 2, \"t\": 0.5, \"mode\": \"online\", \"causal\": true,"
                + " \"big\": 1e300, \"limit\": \"Infinity\"}, \"inputs\": {}}",
            X);
    assertThat(call.inputs()).isEmpty();
    assertThat(call.parameters())
        .containsExactly(
            Map.entry("k", 2L),
            Map.entry("t", 0.5),
            Map.entry("mode", "online"),
            Map.entry("causal", true),
            Map.entry("big", 1e300),
            Map.entry("limit", "Infinity"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{`inputs`: {`x`: {`data`: [1, `abc`]}}} | $.inputs.x.data[1] is \"abc\"; expected a number",
        "{`inputs`: {`x`: {`data`: [1, null]}}} | $.inputs.x.data[1] is null",
        "{`inputs`: {`x`: {`data`: [1, true]}}} | $.inputs.x.data[1] is true; expected a number",
        "{`inputs`: {`x`: {`data`: [[1, 2], [3, 0.5]], `dtype`: `i32`}}} | $.inputs.x.data[1][1] is 0.5; expected a whole",
        "{`inputs`: {`x`: {`data`: [3e9], `dtype`: `i32`}}} | $.inputs.x.data[0] is 3e9; expected a whole number that fits",
        "{`inputs`: {`x`: {`data`: [`NaN`], `dtype`: `i32`}}} | $.inputs.x.data[0] is NaN; expected a whole",
        "{`inputs`: {`x`: {`data`: [2], `dtype`: `bool`}}} | $.inputs.x.data[0] is 2; expected true, false",
        "{`inputs`: {`x`: {`data`: [1e39]}}} | $.inputs.x.data[0] is 1e39; expected a number in the range of f32",
        "{`inputs`: {`x`: {`data`: [1e999], `dtype`: `f64`}}} | $.inputs.x.data[0] is 1e999; expected a number in the range of f64",
        "{`inputs`: {`x`: {`data`: [1], `dtype`: `f16`}}} | $.inputs.x.dtype is \"f16\"; expected one of f32",
        "{`inputs`: {`x`: {`data`: [1, 2], `shape`: [3]}}} | $.inputs.x.data is 2 values; expected 3 values",
        "{`inputs`: {`x`: {`data`: [[1, 2]], `shape`: [2, 1]}}} | $.inputs.x.data is nested as [1, 2]; expected 2 values, flat or nested as [2, 1]",
        "{`inputs`: {`x`: {`data`: [[1, 2], [3]]}}} | $.inputs.x.data[1] is of length 1 beside others of length 2",
        "{`inputs`: {`x`: {`data`: [1, [2]]}}} | $.inputs.x.data[1] is an array beside numbers",
        "{`inputs`: {`x`: {`data`: [[2], 1]}}} | $.inputs.x.data[1] is 1 beside arrays",
        "{`inputs`: {`x`: {`data`: [[], 1]}}} | $.inputs.x.data[1] is 1 beside arrays",
        "{`inputs`: {`x`: {`data`: [1], `shape`: [-1]}}} | $.inputs.x.shape[0] is -1; expected a whole number >= 0",
        "{`inputs`: {`x`: {`data`: [1], `shape`: [4000000000, 4000000000]}}} | $.inputs.x.shape is [4000000000, 4000000000]",
        "{`inputs`: {`x`: {`shape`: [1]}}} | $.inputs.x.data is missing",
        "{`inputs`: {`x`: {`data`: [1], `data`: [1]}}} | $.inputs.x.data is there twice",
        "{`inputs`: {`x`: {`data`: [1], `kind`: 3}}} | $.inputs.x.kind is unknown; expected shape, data and dtype",
        "{`inputs`: {`x`: {`data`: [1]}, `x`: {`data`: [1]}}} | $.inputs.x is there twice",
        "{`inputs`: {`x`: [1]}} | $.inputs.x is an array; expected a tensor like",
        "{`params`: {`k`: [1]}} | $.params.k is an array; expected a number",
        "{`input`: {}} | $.input is unknown; expected inputs and params",
        "[1] | $ is an array; expected an object with \"inputs\"",
        "{`inputs`: {`x`: {`data`: [1, 2} | not valid JSON",
        "{`inputs`: {`x`: {`data`: [NaN]}}} | not valid JSON",
        "{`inputs`: {`x`: {`data`: [1 | not valid JSON",
        "{`inputs`: {}} {} | expected",
        "~~ | not valid JSON"
      })
  void malformedJsonIsNamed(String text, String message) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> json(text.replace('`', '"'), X))
        .withMessageStartingWith("case.json: ")
        .withMessageContaining(message)
        .withMessageContaining("expected");
  }

  @Test
  void bigJsonIsReadOnce() {
    final double[] values = new SplittableRandom(3).doubles(200_000, -1, 1).toArray();
    final String text =
        TensorFiles.json(Map.of("x", Tensor.of(values, 400, 500))).replace("outputs", "inputs");
    assertSame("seed 3", json(text, X).inputs().get("x"), Tensor.of(values, 400, 500));
  }

  @Test
  void numpyFilesOfOtherTypesAndOrdersAreRead() {
    assertSame("big-endian f4", npy(">f4", "3f800000c0000000", 2), f32(new float[] {1, -2}, 2));
    assertSame("f2", npy("<f2", "003c00c0", 2), f32(new float[] {1, -2}, 2));
    assertSame("u1", npy("|u1", "ff01", 2), Tensor.of(new int[] {255, 1}, 2));
    assertSame("i8", npy("<i8", "feffffffffffffff", 1), Tensor.of(new int[] {-2}, 1));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> npy("<i8", "0000000001000000", 1))
        .withMessageContaining("x.npy: x[0] is 4294967296 (int64)")
        .withMessageContaining("fit 32 bits");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> npy("<u8", "ffffffffffffffff", 1))
        .withMessageContaining("x[0] is 18446744073709551615 (uint64)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> npy("<c8", "0000000000000000", 1))
        .withMessageContaining("x.npy: not a readable .npy file")
        .withMessageContaining("<c8");
  }

  private static byte[] npyFile(String descr, String hex, String shape) {
    final byte[] data = HexFormat.of().parseHex(hex);
    final String header =
        String.format(
            Locale.ROOT,
            "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }\n",
            descr,
            shape);
    final ByteBuffer file =
        ByteBuffer.allocate(10 + header.length() + data.length).order(ByteOrder.LITTLE_ENDIAN);
    file.put("\u0093NUMPY\u0001\u0000".getBytes(StandardCharsets.ISO_8859_1))
        .putShort((short) header.length())
        .put(header.getBytes(StandardCharsets.US_ASCII))
        .put(data);
    return file.array();
  }

  private static Tensor npy(String descr, String hex, int length) {
    final byte[] file = npyFile(descr, hex, length + ",");
    return TensorFiles.read(new ByteArrayInputStream(file), TensorFormat.NPY, "x.npy", X)
        .inputs()
        .get("x");
  }

  @Test
  void bfloat16SafetensorsWiden() {
    final byte[] header =
        "{\"w\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[0,4]}}"
            .getBytes(StandardCharsets.UTF_8);
    final ByteBuffer file =
        ByteBuffer.allocate(8 + header.length + 4).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(header.length).put(header).putShort((short) 0x3f80).putShort((short) 0xc000);
    final Map<String, Tensor> read =
        TensorFiles.read(
                new ByteArrayInputStream(file.array()),
                TensorFormat.SAFETENSORS,
                "w.safetensors",
                X)
            .inputs();
    assertSame("w", read.get("w"), f32(new float[] {1, -2}, 2));
  }

  @ParameterizedTest
  @EnumSource(
      value = TensorFormat.class,
      names = {"NPY", "NPZ", "SAFETENSORS"})
  void brokenBinaryFilesAreNamed(TensorFormat format) {
    final ByteArrayOutputStream whole = new ByteArrayOutputStream();
    TensorFiles.write(whole, format, Map.of("x", Tensor.of(new float[] {1, 2, 3}, 3)));
    final byte[] bytes = whole.toByteArray();
    final int cut = format == TensorFormat.NPZ ? 40 : bytes.length - 4;
    for (final byte[] broken :
        new byte[][] {
          Arrays.copyOf(bytes, cut), {}, "not tensors at all".getBytes(StandardCharsets.UTF_8)
        }) {
      assertThatIllegalArgumentException()
          .describedAs(format + " of " + broken.length + " bytes")
          .isThrownBy(() -> TensorFiles.read(new ByteArrayInputStream(broken), format, "broken", X))
          .withMessageStartingWith("broken: ")
          .withMessageContaining(format.ending());
    }
  }

  @Test
  void namelessArraysTakeThePortsInOrder() {
    final Map<String, Tensor> arrays = new LinkedHashMap<>();
    for (int i = 0; i < 3; i++) {
      arrays.put("arr_" + i, Tensor.of(new int[] {i}));
    }
    final Path file = folder.resolve("nameless.npz");
    TensorFiles.write(file, arrays);
    final Map<String, Tensor> read =
        TensorFiles.read(file, TensorFiles.Reading.of("q", "k")).inputs();
    assertThat(read.keySet()).containsExactly("q", "k", "arr_2");
    assertThat(read.get("k").get()).isEqualTo(1);
  }

  @Test
  void filesAppearWholeAndReplaceOldOnes() throws IOException {
    final Path file = folder.resolve("y.json");
    Files.writeString(file, "old");
    TensorFiles.write(file, Map.of("y", Tensor.of(new int[] {1})));
    assertThat(Files.readString(file)).startsWith("{\"outputs\"");
    final Path npy = folder.resolve("y.npy");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                TensorFiles.write(
                    npy, Map.of("a", Tensor.of(new int[] {1}), "b", Tensor.of(new int[] {1}))))
        .withMessageContaining(".npy file holds exactly one array");
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left).containsExactly(file);
    }
  }

  @Test
  void unusablePathsAreNamed() {
    assertThatExceptionOfType(UncheckedIOException.class)
        .isThrownBy(() -> TensorFiles.read(folder.resolve("none.json"), X))
        .withMessageContaining("none.json does not exist");
    assertThatExceptionOfType(UncheckedIOException.class)
        .isThrownBy(() -> TensorFiles.write(folder.resolve("no/such/y.json"), Map.of()))
        .withMessageContaining("cannot write");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TensorFiles.read(folder.resolve("x.csv"), X))
        .withMessageContaining("x.csv'; expected a name that ends in one of .json, .npy");
  }

  private static Tensor f32(float[] values, long... shape) {
    return Tensor.of(values, shape);
  }
}
