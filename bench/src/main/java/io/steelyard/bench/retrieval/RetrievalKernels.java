package io.steelyard.bench.retrieval;

import io.steelyard.bench.jmh.Allocation;
import io.steelyard.kernels.retrieval.TopKInnerProducts;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Steelyard's exact retrieval. */
@State(Scope.Benchmark)
public class RetrievalKernels {

  @Param("16x1024x64x10")
  String search;

  @Param("1")
  int threads;

  private Search size = new Search(0, 0, 0, 0);
  private float[] x = new float[0];
  private float[] y = new float[0];
  private float[] found = new float[0];
  private int[] labels = new int[0];
  private Tensor queryTensor = Tensor.zeros(DType.F32, 0);
  private Tensor labelTensor = queryTensor;
  private Tensor scores = queryTensor;
  private Tensor indices = queryTensor;

  /** Makes the inputs and checks one result. */
  @Setup(Level.Trial)
  public void setUp() {
    size = Search.parse(search);
    x = size.queryValues();
    y = size.labelValues();
    found = new float[size.queries() * size.k()];
    labels = new int[found.length];
    queryTensor = Tensor.of(x, size.queries(), size.depth());
    labelTensor = Tensor.of(y, size.labels(), size.depth());
    scores = Tensor.of(found, size.queries(), size.k());
    indices = Tensor.of(labels, size.queries(), size.k());
    check();
  }

  /** One call. */
  @Benchmark
  public Tensor run() {
    TopKInnerProducts.apply(queryTensor, labelTensor, scores, indices, threads);
    return indices;
  }

  /** Checks again, now on what the optimising compiler made of it, and counts allocation. */
  @TearDown(Level.Trial)
  public void tearDown() {
    Allocation.measure(this::run);
    check();
  }

  private void check() {
    Arrays.fill(found, Float.NaN);
    Arrays.fill(labels, -1);
    run();
    size.check("top-k-inner-products " + search, x, y, found, labels);
  }
}
