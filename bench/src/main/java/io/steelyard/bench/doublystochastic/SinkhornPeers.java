package io.steelyard.bench.doublystochastic;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.steelyard.bench.peers.TorchPeer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Sinkhorn composed of libtorch's operators on the CPU, called by way of DJL. */
@State(Scope.Benchmark)
public class SinkhornPeers {

  @Param("LOG_SOFTMAX")
  SinkhornComposition composition;

  @Param("4x64")
  String batch;

  @Param("21")
  int iterations;

  @Param("1")
  int threads;

  private Batch size = new Batch(0, 0);
  private float[] scores = new float[0];
  private NDManager manager;
  private NDArray x;

  /** Starts libtorch, gives it the scores and checks one result. */
  @Setup(Level.Trial)
  public void setUp() {
    TorchPeer.setThreads(threads);
    size = Batch.parse(batch);
    scores = size.scores();
    manager = TorchPeer.newManager();
    x = manager.create(scores, new Shape(size.shape()));
    check();
  }

  /** One call; its output is freed again, as a user's would be. */
  @Benchmark
  public long run() {
    try (NDArray y = composition.apply(x, iterations)) {
      return y.size();
    }
  }

  /** Checks again and frees libtorch's memory. */
  @TearDown(Level.Trial)
  public void tearDown() {
    check();
    manager.close();
  }

  private void check() {
    try (NDArray y = composition.apply(x, iterations)) {
      size.check(
          "libtorch " + composition.label() + " " + batch, iterations, scores, y.toFloatArray());
    }
  }
}
