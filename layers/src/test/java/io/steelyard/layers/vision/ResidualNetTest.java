package io.steelyard.layers.vision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import io.steelyard.layers.ParameterCounts;
import io.steelyard.layers.tensor.ParameterFiles;
import io.steelyard.layers.vision.ResidualConfiguration.Order;
import io.steelyard.layers.vision.ResidualConfiguration.Stage;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class ResidualNetTest {

  abstract static class Contract extends ImageClassifierContract {

    abstract Order order();

    private ResidualConfiguration small(double dropout) {
      return new ResidualConfiguration(
          1, 28, 28, 16, List.of(new Stage(16, 1, 1), new Stage(32, 2, 2)), order(), dropout, 10);
    }

    @Override
    Block small(RandomGenerator random) {
      return new ResidualNet(small(0), random);
    }

    @Override
    Block dropping(RandomGenerator random) {
      return new ResidualNet(small(0.5), random);
    }

    @Override
    Block tiny(RandomGenerator random) {
      return new ResidualNet(
          new ResidualConfiguration(
              2, 5, 4, 3, List.of(new Stage(3, 1, 1), new Stage(4, 1, 2)), order(), 0, 2),
          random);
    }

    @Override
    Shape tinyImages(long samples) {
      return new Shape(samples, 2, 5, 4);
    }

    /** Written out with its own convolution, with statistics as they begin: mean 0, variance 1. */
    @Test
    void scoresAreThoseOfTheFormula() {
      final Block net = stirred(tiny(new Random(1)), tinyImages(1), DataType.FLOAT64);
      final NDArray x = images(2, DataType.FLOAT64, tinyImages(2));
      final Map<String, NDArray> weights = new LinkedHashMap<>();
      ParameterFiles.named(net)
          .forEach((name, parameter) -> weights.put(name, parameter.getArray()));
      close(scores(net, x, false), expected(new Weights(weights), x), 1e-12);
    }

    abstract NDArray expected(Weights weights, NDArray x);
  }

  /** Parameters by name, and the operations on them. */
  record Weights(Map<String, NDArray> arrays) {

    private NDArray get(String name) {
      return arrays.entrySet().stream()
          .filter(entry -> entry.getKey().endsWith(name))
          .map(Map.Entry::getValue)
          .findFirst()
          .orElseThrow(() -> new AssertionError(name + " is not in " + arrays.keySet()));
    }

    /** Sum over places of the kernel of shifted products. */
    NDArray convolved(String name, NDArray x, int stride) {
      final NDArray kernel = get(name + ".weight");
      final long filters = kernel.getShape().get(0);
      final long side = kernel.getShape().get(2);
      final long[] in = x.getShape().getShape();
      final long height = (in[2] + stride - 1) / stride;
      final long width = (in[3] + stride - 1) / stride;
      final double[] out = new double[(int) (in[0] * filters * height * width)];
      int at = 0;
      for (long n = 0; n < in[0]; n++) {
        for (long f = 0; f < filters; f++) {
          for (long i = 0; i < height; i++) {
            for (long j = 0; j < width; j++) {
              double sum = 0;
              for (long c = 0; c < in[1]; c++) {
                for (long u = 0; u < side; u++) {
                  for (long v = 0; v < side; v++) {
                    final long row = i * stride + u - side / 2;
                    final long column = j * stride + v - side / 2;
                    if (row >= 0 && row < in[2] && column >= 0 && column < in[3]) {
                      sum += kernel.getDouble(f, c, u, v) * x.getDouble(n, c, row, column);
                    }
                  }
                }
              }
              out[at++] = sum;
            }
          }
        }
      }
      return x.getManager().create(out, new Shape(in[0], filters, height, width));
    }

    NDArray normed(String name, NDArray x) {
      return x.div(Math.sqrt(1 + 1e-5))
          .mul(get(name + ".gamma").reshape(1, -1, 1, 1))
          .add(get(name + ".beta").reshape(1, -1, 1, 1));
    }

    NDArray read(NDArray map) {
      return map.reshape(map.getShape().get(0), map.getShape().get(1), -1)
          .mean(new int[] {2})
          .matMul(get("readout.weight").transpose())
          .add(get("readout.bias"));
    }
  }

  @Nested
  class NormsLast extends Contract {
    @Override
    Order order() {
      return Order.NORM_LAST;
    }

    @Override
    NDArray expected(Weights w, NDArray x) {
      final NDArray stem = Activation.relu(w.normed("stem-norm", w.convolved("stem", x, 1)));
      final NDArray one = block(w, "stage0-block0", stem, stem, 1);
      final NDArray around =
          w.normed("stage1-block0.around-norm", w.convolved("stage1-block0.around", one, 2));
      return w.read(block(w, "stage1-block0", one, around, 2));
    }

    private static NDArray block(Weights w, String name, NDArray x, NDArray around, int stride) {
      final NDArray hidden =
          Activation.relu(w.normed(name + ".first-norm", w.convolved(name + ".first", x, stride)));
      final NDArray branch =
          w.normed(name + ".second-norm", w.convolved(name + ".second", hidden, 1));
      return Activation.relu(branch.add(around));
    }

    @Test
    void resNet34HasThePublishedNumberOfParameters() {
      final ResidualNet net = new ResidualNet(ResidualConfiguration.resNet34(10), new Random(1));
      assertThat(ParameterCounts.of(net, net.inputShape(1))).isEqualTo(21_282_122);
    }
  }

  @Nested
  class NormsFirst extends Contract {
    @Override
    Order order() {
      return Order.NORM_FIRST;
    }

    @Override
    NDArray expected(Weights w, NDArray x) {
      final NDArray stem = w.convolved("stem", x, 1);
      final NDArray one = branch(w, "stage0-block0", stem, 1).add(stem);
      final NDArray active = Activation.relu(w.normed("stage1-block0.first-norm", one));
      final NDArray two =
          branch(w, "stage1-block0", one, 2).add(w.convolved("stage1-block0.around", active, 2));
      return w.read(Activation.relu(w.normed("last-norm", two)));
    }

    private static NDArray branch(Weights w, String name, NDArray x, int stride) {
      final NDArray active = Activation.relu(w.normed(name + ".first-norm", x));
      final NDArray hidden =
          Activation.relu(
              w.normed(name + ".second-norm", w.convolved(name + ".first", active, stride)));
      return w.convolved(name + ".second", hidden, 1);
    }

    @Test
    void wideResNetHasThePublishedNumberOfParameters() {
      final ResidualNet net =
          new ResidualNet(ResidualConfiguration.wideResNet28x10(10), new Random(1));
      assertThat(ParameterCounts.of(net, net.inputShape(1))).isEqualTo(36_479_194);
    }
  }

  @Test
  void sizesOutOfRangeAreNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Stage(0, 1, 1))
        .withMessage("filters is 0; expected 1 or more");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new ResidualConfiguration(1, 8, 8, 4, List.of(), Order.NORM_LAST, 0, 10))
        .withMessage("stages are empty; expected at least one");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                new ResidualConfiguration(
                    1, 8, 8, 4, List.of(new Stage(4, 1, 1)), Order.NORM_LAST, 1, 10))
        .withMessage("dropout is 1.0; expected [0, 1)");
  }
}
