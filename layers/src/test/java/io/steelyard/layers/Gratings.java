package io.steelyard.layers;

import ai.djl.ndarray.*;
import ai.djl.ndarray.types.*;
import ai.djl.training.ParameterStore;
import ai.djl.training.loss.Loss;
import io.steelyard.layers.attention.Attention;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.tensor.ParameterFiles;
import io.steelyard.layers.training.*;
import io.steelyard.layers.vision.*;
import java.nio.file.Path;
import java.util.random.RandomGenerator;

/** In which of ten directions do the stripes of a noisy image run? */
class Gratings {

  static double accuracy(Attention attention, int steps, Path file) {
    Seed seed = new Seed(7);
    var sizes = VisionTransformerConfiguration.SMALL; // 28 x 28 pixels, 10 classes
    var net = new VisionTransformer(sizes, attention, seed.stream("weights"));
    var options = TrainingOptions.seeded(7).with(Schedule.cosine(2e-3, 0, steps).warmedUp(20));
    try (NDManager manager = Libtorch.newManager();
        Training training =
            new Training(net, Loss.softmaxCrossEntropyLoss(), net.inputShape(1), options)) {
      training.fit(
          images(manager, 2_000, seed.stream("training data")),
          Batches.shuffled(2_000, 50, seed).between(0, steps),
          StepListener.lines(steps, line -> System.err.print("\r" + line)));
      ParameterFiles.write(file, net);
    }
    try (NDManager manager = Libtorch.newManager()) { // later, perhaps elsewhere
      var served = new VisionTransformer(sizes, attention, seed.stream("weights"));
      served.initialize(manager, DataType.FLOAT32, served.inputShape(1));
      ParameterFiles.read(file, served);
      Examples data = images(manager, 500, seed.stream("test data"));
      NDList inputs = new NDList(data.inputs());
      NDArray scores = // on a CPU the attention runs in our kernel
          served.forward(new ParameterStore(manager, false), inputs, false).singletonOrThrow();
      return scores.argMax(1).eq(data.labels()).toType(DataType.FLOAT64, true).mean().getDouble();
    }
  }

  static Examples images(NDManager manager, int count, RandomGenerator random) {
    long[] labels = random.longs(count, 0, 10).toArray();
    float[] pixels = new float[count * 28 * 28];
    for (int i = 0; i < count; i++) {
      double angle = Math.PI * labels[i] / 10;
      double phase = random.nextDouble(2 * Math.PI);
      for (int row = 0; row < 28; row++) {
        for (int column = 0; column < 28; column++) {
          double wave = Math.sin(row * Math.sin(angle) + column * Math.cos(angle) + phase);
          pixels[(i * 28 + row) * 28 + column] = (float) (wave + random.nextGaussian());
        }
      }
    }
    return new Examples(
        manager.create(pixels, new Shape(count, 1, 28, 28)), manager.create(labels));
  }

  public static void main(String[] args) {
    System.out.println(accuracy(Attention.mala(), 300, Path.of("gratings.safetensors")));
  }
}
