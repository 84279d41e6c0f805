package io.steelyard.layers.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.training.Training;
import io.steelyard.layers.training.TrainingOptions;
import io.steelyard.layers.vision.ConvNet;
import io.steelyard.layers.vision.ConvNetConfiguration;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ParameterFilesTest {

  private static final ConvNetConfiguration TINY =
      new ConvNetConfiguration(1, 8, 8, 4, 16, 16, 0.5, 3);

  @TempDir Path folder;
  private NDManager manager;

  @BeforeEach
  void open() {
    manager = Libtorch.newManager();
  }

  @AfterEach
  void close() {
    manager.close();
  }

  /** Three layers of one name, one of another, and one of them a second time. */
  private static final class Stack extends AbstractBlock {

    Stack() {
      addChildBlock("layers", linear(2));
      final Linear twice = addChildBlock("layers", linear(2));
      addChildBlock("head", linear(1));
      addChildBlock("layers", linear(2));
      addChildBlock("again", twice);
      addChildBlock(
          "rest", new SequentialBlock().add(linear(2)).add(Activation::relu).add(linear(3)));
    }

    @Override
    protected NDList forwardInternal(
        ParameterStore parameters,
        NDList inputs,
        boolean training,
        PairList<String, Object> options) {
      return inputs;
    }

    @Override
    protected void initializeChildBlocks(NDManager manager, DataType type, Shape... shapes) {
      getChildren().values().forEach(child -> child.initialize(manager, type, shapes));
    }

    @Override
    public Shape[] getOutputShapes(Shape[] shapes) {
      return shapes;
    }
  }

  private static Linear linear(int units) {
    return Linear.builder().setUnits(units).optBias(false).build();
  }

  private ConvNet net(long seed, DataType type) {
    final ConvNet net = new ConvNet(TINY, new SplittableRandom(seed));
    net.initialize(manager, type, net.inputShape(1));
    return net;
  }

  private float[] scores(Block net) {
    final NDArray images = Scalars.div(manager.arange(64f), 64).reshape(1, 1, 8, 8);
    return net.forward(new ParameterStore(manager, false), new NDList(images), false)
        .head()
        .toFloatArray();
  }

  @Test
  void namesAreDottedAndStable() {
    assertThat(ParameterFiles.named(new ConvNet(TINY, new SplittableRandom(1))).keySet())
        .containsExactly(
            "first.weight",
            "first.bias",
            "second.weight",
            "second.bias",
            "hidden.weight",
            "hidden.bias",
            "readout.weight",
            "readout.bias");
    assertThat(ParameterFiles.named(new Stack()).keySet())
        .containsExactly(
            "layers.0.weight",
            "layers.1.weight",
            "head.weight",
            "layers.2.weight",
            "rest.0.weight",
            "rest.2.weight");
  }

  @Test
  void namesDoNotChangeWithMoreThanAHundredChildren() {
    final SequentialBlock many = new SequentialBlock();
    for (int i = 0; i < 120; i++) {
      many.add(linear(1));
    }
    assertThat(ParameterFiles.named(many).keySet()).hasSize(120).contains("9.weight", "119.weight");
  }

  @Test
  void whatIsWrittenIsReadToTheLastBit() {
    final Path file = folder.resolve("net.safetensors");
    for (final DataType type : new DataType[] {DataType.FLOAT32, DataType.FLOAT64}) {
      final ConvNet net = net(1, type);
      ParameterFiles.write(file, net);
      final ConvNet other = net(2, type);
      ParameterFiles.read(file, other);
      ParameterFiles.named(net)
          .forEach(
              (name, parameter) ->
                  assertThat(ParameterFiles.named(other).get(name).getArray().toByteArray())
                      .describedAs(name)
                      .isEqualTo(parameter.getArray().toByteArray()));
    }
    assertThat(folder.toFile().list()).containsExactly("net.safetensors");
  }

  @Test
  void savedLoadedAndPredictedAgree() throws IOException, MalformedModelException {
    final Path file = folder.resolve("net.safetensors");
    final ConvNet net = net(1, DataType.FLOAT32);
    final float[] expected = scores(net);
    final NDArray images = Scalars.div(manager.arange(64f), 64).reshape(1, 1, 8, 8);
    final ByteArrayOutputStream djl = new ByteArrayOutputStream();
    try (Training training = new Training(net, TrainingOptions.seeded(1), net.inputShape(1))) {
      // The training owns the parameters now; both formats read them where they lie.
      assertThat(training.predict(images, 1).toFloatArray()).containsExactly(expected);
      ParameterFiles.write(file, net);
      net.saveParameters(new DataOutputStream(djl));
      try (Model model = Libtorch.engine().newModel("net", manager.getDevice())) {
        model.setBlock(net);
        model.save(folder.resolve("model"), "net");
        // The model would free what it did not make.
        model.setBlock(new SequentialBlock());
      }
    }
    final ConvNet fromSafetensors = net(2, DataType.FLOAT32);
    ParameterFiles.read(file, fromSafetensors);
    assertThat(scores(fromSafetensors)).containsExactly(expected);

    final ConvNet fromDjl = new ConvNet(TINY, new SplittableRandom(3));
    fromDjl.loadParameters(
        manager, new DataInputStream(new ByteArrayInputStream(djl.toByteArray())));
    assertThat(scores(fromDjl)).containsExactly(expected);

    try (Model model = Libtorch.engine().newModel("net", manager.getDevice())) {
      model.setBlock(new ConvNet(TINY, new SplittableRandom(4)));
      model.load(folder.resolve("model"), "net");
      assertThat(scores(model.getBlock())).containsExactly(expected);
    }
  }

  @Test
  void aTrainedBlockReadsInPlace() {
    final Path file = folder.resolve("net.safetensors");
    final ConvNet source = net(1, DataType.FLOAT32);
    final float[] expected = scores(source);
    ParameterFiles.write(file, source);
    final ConvNet net = net(2, DataType.FLOAT32);
    final NDArray images = Scalars.div(manager.arange(64f), 64).reshape(1, 1, 8, 8);
    try (Training training = new Training(net, TrainingOptions.seeded(1))) {
      ParameterFiles.read(file, net);
      assertThat(training.predict(images, 1).toFloatArray()).containsExactly(expected);
      // What a step changes is what was read.
      training.step(pass -> pass.forward(net, images).head().sum());
      final float[] trained = training.predict(images, 1).toFloatArray();
      assertThat(trained).isNotEqualTo(expected);
      ParameterFiles.write(file, net);
      ParameterFiles.read(file, source);
      assertThat(scores(source)).containsExactly(trained);
    }
  }

  /** As the format's description has it: eight bytes of length, JSON, numbers. */
  private Path foreign(String header, ByteBuffer numbers) throws IOException {
    final byte[] json = header.getBytes(StandardCharsets.UTF_8);
    final ByteBuffer bytes =
        ByteBuffer.allocate(8 + json.length + numbers.remaining())
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(json.length)
            .put(json)
            .put(numbers);
    return Files.write(folder.resolve("foreign.safetensors"), bytes.array());
  }

  @Test
  void aFileOfAnotherToolIsRead() throws IOException {
    // Unordered offsets, metadata, padding after the header, half precision: all allowed.
    final ByteBuffer numbers = ByteBuffer.allocate(18).order(ByteOrder.LITTLE_ENDIAN);
    numbers.putShort(Float.floatToFloat16(0.5f)).putShort(Float.floatToFloat16(-2));
    numbers.putFloat(1).putFloat(2).putFloat(3).putShort((short) (Float.floatToIntBits(8) >>> 16));
    final Path file =
        foreign(
            "{\"__metadata__\":{\"format\":\"pt\"},"
                + "\"2.weight\":{\"dtype\":\"BF16\",\"shape\":[1,1],\"data_offsets\":[16,18]},"
                + "\"0.bias\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[2,4]},"
                + "\"2.bias\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[0,2]},"
                + "\"0.weight\":{\"dtype\":\"F32\",\"shape\":[1,3],\"data_offsets\":[4,16]}}   ",
            numbers.flip());
    final SequentialBlock net =
        new SequentialBlock()
            .add(Linear.builder().setUnits(1).build())
            .add(Activation::relu)
            .add(Linear.builder().setUnits(1).build());
    net.initialize(manager, DataType.FLOAT32, new Shape(1, 3));
    ParameterFiles.read(file, net);
    // relu(1·1 + 2·1 + 3·1 - 2) · 8 + 0.5
    final NDList out =
        net.forward(
            new ParameterStore(manager, false), new NDList(manager.ones(new Shape(1, 3))), false);
    assertThat(out.head().toFloatArray()).containsExactly(32.5f);
    assertThat(Safetensors.read(file).metadata()).isEqualTo(Map.of("format", "pt"));
  }

  @Test
  void ourFileIsWhatTheFormatSays() throws IOException {
    final Path file = folder.resolve("two.safetensors");
    new Safetensors(
            Map.of(
                "b", Tensor.of(new float[] {1, 2}, 2),
                "a", Tensor.of(new double[] {3}, 1)),
            Map.of("step", "4", "note", "\"quoted\""))
        .write(file);
    final ByteBuffer bytes =
        ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    final int length = Math.toIntExact(bytes.getLong());
    assertThat(length % 8).isZero();
    final byte[] header = new byte[length];
    bytes.get(header);
    assertThat(new String(header, StandardCharsets.UTF_8).strip())
        .startsWith("{\"__metadata__\":{\"note\":\"\\\"quoted\\\"\",\"step\":\"4\"},\"a\":{")
        .contains("\"dtype\":\"F64\",\"shape\":[1]")
        .contains("\"dtype\":\"F32\",\"shape\":[2]");
    assertThat(bytes.remaining()).isEqualTo(16);
    final Safetensors read = Safetensors.read(file);
    assertThat(read.metadata()).isEqualTo(Map.of("step", "4", "note", "\"quoted\""));
    assertThat(read.tensors().get("a").toDoubleArray()).containsExactly(3);
    assertThat(read.tensors().get("b").toFloatArray()).containsExactly(1, 2);
  }

  @Test
  void whatDoesNotFitIsNamedAndChangesNothing() {
    final Path file = folder.resolve("net.safetensors");
    ParameterFiles.write(file, net(1, DataType.FLOAT32));
    final SequentialBlock other = new SequentialBlock().add(linear(2));
    other.initialize(manager, DataType.FLOAT32, new Shape(1, 3));
    final float[] before = other.getParameters().valueAt(0).getArray().toFloatArray();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ParameterFiles.read(file, other))
        .withMessageContaining("net.safetensors does not fit the block: '0.weight' is missing")
        .withMessageContaining("'first.bias' is not expected");
    assertThat(other.getParameters().valueAt(0).getArray().toFloatArray()).containsExactly(before);
    final ConvNet wider =
        new ConvNet(new ConvNetConfiguration(1, 8, 8, 4, 16, 16, 0.5, 4), new SplittableRandom(1));
    wider.initialize(manager, DataType.FLOAT32, wider.inputShape(1));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ParameterFiles.read(file, wider))
        .withMessageContaining("'readout.bias' is (3), expected (4)");
    final List<Block> uninitialized = List.of(linear(1), new SequentialBlock());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ParameterFiles.write(file, uninitialized.get(0)))
        .withMessageContaining("parameter 'weight' is not initialized");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ParameterFiles.write(file, uninitialized.get(1)))
        .withMessageContaining("no parameters");
  }

  @Test
  void moreThanAFileHoldsIsRefusedBeforeAnythingIsAllocated() {
    // One number, seen as many.
    final Tensor wide = Tensor.of(new float[] {1}, 1).broadcastTo(1L << 29);
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                new Safetensors(Map.of("wide", wide), Map.of())
                    .write(folder.resolve("wide.safetensors")))
        .withMessageContaining("tensors have 2147483648 bytes; expected at most");
    assertThat(folder.toFile().list()).isEmpty();
  }
}
