package io.steelyard.bench.softmax;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.steelyard.bench.peers.TorchPeer;
import io.steelyard.bench.rows.Rows;
import java.util.function.Supplier;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** libtorch's softmax family on the CPU. */
@State(Scope.Benchmark)
public class SoftmaxPeers {

  /** An archive of {@link TorchPeer}, by name. */
  @Param("softmax_last_dim")
  String peer;

  @Param("SOFTMAX")
  Meaning meaning;

  @Param("256x256")
  String shape;

  @Param("1")
  int threads;

  private Rows rows = new Rows(0, 0);
  private float[] scores = new float[0];
  private NDManager manager;
  private Supplier<NDList> call;

  /** Starts libtorch, gives it the scores and checks one result. */
  @Setup(Level.Trial)
  public void setUp() {
    TorchPeer.setThreads(threads);
    rows = Rows.parse(shape);
    scores = rows.scores();
    manager = TorchPeer.newManager();
    final NDArray x = manager.create(scores, new Shape(rows.shape()));
    call = archive(x);
    check();
  }

  private Supplier<NDList> archive(NDArray x) {
    final TorchPeer torch = TorchPeer.load(peer);
    // Only an archive that writes into its second argument needs one of full size.
    final NDArray out =
        peer.endsWith("_out") ? manager.full(x.getShape(), Float.NaN) : manager.zeros(new Shape(1));
    final NDList inputs = new NDList(x, out, x);
    return () -> torch.call(inputs);
  }

  /** One call; a fresh output is freed again, as a user's would be. */
  @Benchmark
  public long run() {
    try (NDList output = call.get()) {
      return output.head().size();
    }
  }

  /** Checks again and frees libtorch's memory. */
  @TearDown(Level.Trial)
  public void tearDown() {
    check();
    manager.close();
  }

  private void check() {
    try (NDList output = call.get()) {
      final NDArray y = output.head().reshape(rows.count(), meaning.outputs(rows));
      meaning.check(
          "libtorch (" + peer + ") " + shape,
          rows,
          scores,
          row -> y.get(row).toFloatArray(),
          Meaning.PEERS);
    }
  }
}
