package io.steelyard.bench.softmax;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.bench.peers.TorchAvailable;
import io.steelyard.bench.rows.Rows;
import io.steelyard.bench.suite.Case;
import io.steelyard.bench.suite.Contender;
import io.steelyard.bench.suite.Scope;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every peer of the suite loads and means what its name says. */
class SoftmaxPeersTest {

  @BeforeAll
  static void needsLibtorch() {
    TorchAvailable.assume();
  }

  static Stream<Contender> peers() {
    return new SoftmaxSuite()
        .cases(Scope.FULL, 1).stream()
            .map(Case::peers)
            .flatMap(List::stream)
            .filter(peer -> peer.trial().parameters().get("shape").equals("8192x1024"))
            .distinct();
  }

  @ParameterizedTest
  @MethodSource("peers")
  void passesItsOwnCheck(Contender peer) {
    final Map<String, String> parameters = peer.trial().parameters();
    final SoftmaxPeers benchmark = new SoftmaxPeers();
    benchmark.peer = parameters.get("peer");
    benchmark.meaning = Meaning.valueOf(parameters.get("meaning"));
    benchmark.shape = "5x1021";
    benchmark.threads = 1;

    benchmark.setUp();
    final long size = benchmark.run();
    benchmark.tearDown();

    assertThat(size).isEqualTo(5L * benchmark.meaning.outputs(Rows.parse("5x1021")));
  }
}
