package io.steelyard.bench.retrieval;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.steelyard.bench.peers.TorchPeer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Exact retrieval with libtorch as its users write it where the matrix of scores does not fit:
 * matmul and topk of one chunk of labels after another, then topk of what the chunks have kept.
 */
@State(Scope.Benchmark)
public class RetrievalPeers {

  @Param("16x1024x64x10")
  String search;

  /** Labels of a chunk. */
  @Param("512")
  int chunk;

  @Param("1")
  int threads;

  private Search size = new Search(0, 0, 0, 0);
  private float[] x = new float[0];
  private float[] y = new float[0];
  private NDManager manager;
  private NDArray queries;
  private NDArray labels;

  /** Starts libtorch, gives it the inputs and checks one result. */
  @Setup(Level.Trial)
  public void setUp() {
    TorchPeer.setThreads(threads);
    size = Search.parse(search);
    x = size.queryValues();
    y = size.labelValues();
    manager = TorchPeer.newManager();
    queries = manager.create(x, new Shape(size.queries(), size.depth()));
    labels = manager.create(y, new Shape(size.labels(), size.depth()));
    check();
  }

  /** One call; its outputs are freed again, as a user's would be. */
  @Benchmark
  public long run() {
    try (NDManager scope = manager.newSubManager()) {
      return find(scope).get(1).size();
    }
  }

  /** Scores and labels. */
  private NDList find(NDManager scope) {
    final NDList scores = new NDList();
    final NDList indices = new NDList();
    for (long from = 0; from < size.labels(); from += chunk) {
      final long to = Math.min(size.labels(), from + chunk);
      try (NDManager inner = scope.newSubManager()) {
        final NDArray x = queries.duplicate();
        x.attach(inner);
        final NDArray part = labels.get(from + ":" + to);
        part.attach(inner);
        final NDList best = x.matMul(part.transpose()).topK((int) Math.min(size.k(), to - from), 1);
        final NDArray own = best.get(1).toType(DataType.INT64, false).add(from);
        best.get(0).attach(scope);
        own.attach(scope);
        scores.add(best.get(0));
        indices.add(own);
      }
    }
    final NDList best = NDArrays.concat(scores, 1).topK(size.k(), 1);
    final NDArray own = NDArrays.concat(indices, 1).gather(best.get(1), 1);
    return new NDList(best.get(0), own);
  }

  /** Checks again and frees libtorch's memory. */
  @TearDown(Level.Trial)
  public void tearDown() {
    check();
    manager.close();
  }

  private void check() {
    try (NDManager scope = manager.newSubManager()) {
      final NDList best = find(scope);
      final long[] wide = best.get(1).toLongArray();
      final int[] indices = new int[wide.length];
      for (int i = 0; i < wide.length; i++) {
        indices[i] = Math.toIntExact(wide[i]);
      }
      size.check("libtorch " + search, x, y, best.get(0).toFloatArray(), indices);
    }
  }
}
