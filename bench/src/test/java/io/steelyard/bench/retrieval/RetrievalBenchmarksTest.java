package io.steelyard.bench.retrieval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.steelyard.bench.peers.TorchPeer;
import io.steelyard.bench.suite.Case;
import io.steelyard.bench.suite.Scope;
import java.util.List;
import org.junit.jupiter.api.Test;

class RetrievalBenchmarksTest {

  @Test
  void kernelsComputeWhatTheyAreTimedFor() {
    for (final String search : new String[] {"40x2000x64x10", "1x3000x64x100"}) {
      final RetrievalKernels kernels = new RetrievalKernels();
      kernels.search = search;
      kernels.threads = 1;
      kernels.setUp();
      assertThat(kernels.run().dim(0)).isEqualTo(search.startsWith("1x") ? 1 : 40);
    }
  }

  @Test
  void peersComputeWhatTheyAreTimedFor() {
    assumeTrue(
        System.getenv("PYTORCH_LIBRARY_PATH") != null
            || TorchPeer.class.getResource("/native/lib/pytorch.properties") != null,
        "libtorch is neither on the class path nor in PYTORCH_LIBRARY_PATH");
    final RetrievalPeers peers = new RetrievalPeers();
    peers.search = "40x2000x64x10";
    peers.chunk = 999; // the last chunk has 2 labels
    peers.threads = 1;
    peers.setUp();
    assertThat(peers.run()).isEqualTo(400);
    peers.tearDown();
  }

  @Test
  void aWrongResultIsNotTimed() {
    final Search search = Search.parse("1x3x1x2");
    final float[] x = {1};
    final float[] y = {1, 3, 2};
    search.check("ours", x, y, new float[] {3, 2}, new int[] {1, 2});
    assertThatThrownBy(() -> search.check("ours", x, y, new float[] {3, 2}, new int[] {1, 0}))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("ours is wrong: query 0 has label 0 with 2.0 at place 1")
        .hasMessageContaining("expected one with 2.0");
    assertThatThrownBy(() -> search.check("ours", x, y, new float[] {3, 1}, new int[] {1, 2}))
        .hasMessageContaining("label 2 with 1.0 at place 1");
    final float[] equal = {3, 3, 2};
    assertThatThrownBy(() -> search.check("ours", x, equal, new float[] {3, 3}, new int[] {1, 1}))
        .hasMessageContaining("1 different labels; expected 2");
    assertThatThrownBy(() -> search.check("ours", x, y, new float[] {3, 2}, new int[] {1, -1}))
        .hasMessageContaining("label -1");
    assertThatThrownBy(() -> Search.parse("512x1000x64")).hasMessageContaining("512x1000x64");
  }

  @Test
  void looksAtFewerLabelsWhenLooking() {
    final RetrievalSuite suite = new RetrievalSuite();
    final List<Case> quick = suite.cases(Scope.QUICK, 2);
    final List<Case> full = suite.cases(Scope.FULL, 2);
    assertThat(quick).extracting(Case::name).allMatch(name -> name.contains("l=131072"));
    assertThat(full)
        .extracting(Case::name)
        .contains("top-k-inner-products q=512 l=1000000 d=64 k=100");
    assertThat(full.getFirst().work().amount()).isEqualTo(2.0 * 512 * 1_000_000 * 64);
    assertThat(full.getFirst().targets().stream().map(Object::toString))
        .contains("ratio >= 2", "limit_share >= 0.5", "alloc_bytes < 1");
  }
}
