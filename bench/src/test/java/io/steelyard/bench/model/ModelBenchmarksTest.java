package io.steelyard.bench.model;

import io.steelyard.bench.peers.TorchAvailable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ModelBenchmarksTest {

  @ParameterizedTest
  @EnumSource(Network.class)
  void bothFormsPredictTheSame(Network network) {
    TorchAvailable.assume();
    for (final Form form : Form.values()) {
      final Prediction benchmark = new Prediction();
      benchmark.network = network;
      benchmark.side = 64;
      benchmark.form = form;
      benchmark.threads = 1;
      benchmark.setUp();
      benchmark.run();
      benchmark.tearDown();
    }
  }

  @ParameterizedTest
  @EnumSource(EncoderAttention.class)
  void everyAttentionTrains(EncoderAttention attention) {
    TorchAvailable.assume();
    final TrainingStep benchmark = new TrainingStep();
    benchmark.attention = attention;
    benchmark.side = 4;
    benchmark.threads = 1;
    benchmark.setUp();
    benchmark.run();
    benchmark.tearDown();
  }
}
