package io.steelyard.feed.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.feed.search.DualEncoderTraining.Plan;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.tensor.Safetensors;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DualEncoderTest {

  private static final int LESSONS = 900;
  private static final int HELD_OUT = 150;

  private static double meanReciprocalRank(Meaning meaning, List<Lesson> papers) {
    final Retrieval retrieval =
        new Retrieval(meaning, papers.stream().map(Lesson::document).toList());
    double sum = 0;
    for (int i = 0; i < papers.size(); i++) {
      sum += retrieval.reciprocalRank(papers.get(i).queries().getFirst(), i);
    }
    return sum / papers.size();
  }

  @Test
  void learnsWhatPiecesOfWordsDoNotSay(@TempDir Path folder) throws InterruptedException {
    final List<Lesson> all = TopicPapers.some(LESSONS + HELD_OUT, 5);
    final List<Lesson> heldOut = all.subList(LESSONS, all.size());
    final List<Double> losses = new ArrayList<>();
    final DualEncoder encoder =
        DualEncoderTraining.learn(
            all.subList(0, LESSONS),
            new Plan(5, 128, 3e-3, 1),
            (step, steps, loss) -> {
              losses.add(loss);
              assertThat(step).isEqualTo(losses.size()).isLessThanOrEqualTo(steps);
            });
    assertThat(losses.getLast()).isLessThan(losses.getFirst() / 2);
    final double ngrams = meanReciprocalRank(new HashedNgrams(), heldOut);
    final double learned = meanReciprocalRank(encoder, heldOut);
    assertThat(ngrams).as("nothing connects them").isLessThan(0.15);
    assertThat(learned).as("pairs never seen").isGreaterThan(0.5);
    assertThat(encoder.papers()).isEqualTo(LESSONS);

    final Path file = folder.resolve("meaning.safetensors");
    encoder.write(file);
    final DualEncoder again = DualEncoder.read(file);
    assertThat(again.name()).isEqualTo(encoder.name());
    assertThat(again.papers()).isEqualTo(LESSONS);
    final String text = heldOut.getFirst().document();
    assertThat(again.of(text)).isEqualTo(encoder.of(text)).hasSize(again.dimensions());
  }

  @Test
  void vectorsHaveLengthOneOrZero() throws InterruptedException {
    final DualEncoder encoder =
        DualEncoderTraining.learn(
            TopicPapers.some(20, 1), new Plan(0, 8, 1e-3, 1), (_, _, _) -> {});
    double squares = 0;
    for (final float x : encoder.of("Softmax attention")) {
      squares += x * x;
    }
    assertThat(squares).isCloseTo(1, within(1e-5));
    assertThat(encoder.of("")).containsOnly(0f);
    assertThat(encoder.of("...")).containsOnly(0f);
  }

  @Test
  void anotherFileIsNoEncoder(@TempDir Path folder) {
    final Path file = folder.resolve("other.safetensors");
    new Safetensors(Map.of("x", Tensor.of(new float[] {1}, 1)), Map.of()).write(file);
    assertThatThrownBy(() -> DualEncoder.read(file))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("other.safetensors")
        .hasMessageContaining("no encoder of this version");
  }
}
