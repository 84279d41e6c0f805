package io.steelyard.bench.attention;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.steelyard.bench.peers.TorchPeer;
import java.util.function.Supplier;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** libtorch's attentions on the CPU. */
@State(Scope.Benchmark)
public class AttentionPeers {

  /** An archive of {@link TorchPeer}, by name. */
  @Param("sdpa")
  String peer;

  @Param("SOFTMAX")
  AttentionFunction function;

  @Param("2x256x256x64")
  String size;

  @Param("false")
  boolean causal;

  @Param("1")
  int threads;

  private Size extents = new Size(0, 0, 0, 0);
  private float[][] qkv = new float[0][];
  private NDManager manager;
  private Supplier<NDList> call;

  /** Starts libtorch, gives it the inputs and checks one result. */
  @Setup(Level.Trial)
  public void setUp() {
    TorchPeer.setThreads(threads);
    extents = Size.parse(size);
    qkv = extents.inputs();
    manager = TorchPeer.newManager();
    final Shape keys = new Shape(extents.keyShape());
    final NDList inputs =
        new NDList(
            manager.create(qkv[0], new Shape(extents.queryShape())),
            manager.create(qkv[1], keys),
            manager.create(qkv[2], keys));
    final TorchPeer torch = TorchPeer.load(peer);
    call = () -> torch.call(inputs);
    check();
  }

  /** One call; its output is freed again, as a user's would be. */
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
      function.check(
          "libtorch (" + peer + ") " + size, extents, causal, qkv, output.head().toFloatArray());
    }
  }
}
