package io.steelyard.kernels.linear;

import io.steelyard.kernels.tensor.Tensor;

/** Token by token in double. */
final class StreamMeaning implements LinearState.Stream {

  private final LinearState.Shape shape;
  private final Features map;
  private final Readout readout;
  private final double eps;
  private final DoubleSums[] sums;
  private final double[] row;
  private final double[] features;
  private final double[] value;

  StreamMeaning(LinearState.Shape shape, Features map, Readout readout, double eps) {
    this.shape = shape;
    this.map = map;
    this.readout = readout;
    this.eps = eps;
    row = new double[shape.depth()];
    features = new double[map.parts() * shape.depth()];
    value = new double[shape.width()];
    sums = new DoubleSums[shape.batch() * shape.keyHeads()];
    for (int i = 0; i < sums.length; i++) {
      sums[i] = new DoubleSums(features.length, value.length);
    }
  }

  @Override
  public void step(Tensor q, Tensor k, Tensor v, Tensor o, long tokens) {
    final int group = shape.heads() / shape.keyHeads();
    for (int keyHead = 0; keyHead < sums.length; keyHead++) {
      LinearMeaning.read(k, keyHead, row);
      map.key(row, features);
      LinearMeaning.read(v, keyHead, value);
      sums[keyHead].add(features, value, 1, value);
      for (int h = keyHead * group; h < (keyHead + 1) * group; h++) {
        LinearMeaning.read(q, h, row);
        map.query(row, features);
        LinearMeaning.output(sums[keyHead], features, value, tokens, shape.depth(), readout, eps);
        LinearMeaning.write(value, o, h);
      }
    }
  }

  @Override
  public void reset() {
    for (final DoubleSums head : sums) {
      head.clear();
    }
  }

  @Override
  public void set(LinearState.Stream other) {
    if (other instanceof StreamMeaning same) {
      for (int i = 0; i < sums.length; i++) {
        sums[i].set(same.sums[i]);
      }
    }
  }

  @Override
  public long bytes() {
    final long each = (long) features.length * value.length + features.length + value.length;
    return sums.length * each * Double.BYTES;
  }
}
