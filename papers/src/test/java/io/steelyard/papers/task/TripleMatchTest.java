package io.steelyard.papers.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.training.Examples;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class TripleMatchTest {

  @Test
  void thePagesExample() {
    final TripleMatch task = new TripleMatch(11);
    final int[] tokens = {1, 4, 3};
    assertThat(task.answers(tokens)).containsExactly(false, true, true);
    assertThat(task.attend(tokens))
        .containsExactly(
            new double[] {1.0168991486768395e-23, 0.9998779445941166, 0.999755918994186},
            within(1e-9));
  }

  @Test
  void attentionWithWrittenWeightsAnswersAll() {
    for (int seed = 0; seed < 50; seed++) {
      final SplittableRandom random = new SplittableRandom(seed);
      final TripleMatch task = new TripleMatch(5 + random.nextInt(56));
      final int[] tokens = task.tokens(random, 1 + random.nextInt(16));
      final boolean[] answers = task.answers(tokens);
      final double[] outputs = task.attend(tokens);
      for (int i = 0; i < tokens.length; i++) {
        assertThat(outputs[i] > 0.5).as("seed %d, token %d", seed, i).isEqualTo(answers[i]);
      }
    }
  }

  @Test
  void tokensLieOnACircleAndPositivesAreAsManyAsThePageSays() {
    try (NDManager manager = Libtorch.newManager()) {
      final Examples drawn = new TripleMatch(17).draw(new SplittableRandom(1), 4000, 5, manager);
      assertThat(drawn.inputs().getShape()).isEqualTo(new Shape(4000, 5, 3));
      assertThat(drawn.labels().mean().getFloat()).isCloseTo(0.605f, within(0.015f));
      assertThat(drawn.inputs().square().sum(new int[] {2}).min().getFloat())
          .isCloseTo(2, within(1e-5f));
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new TripleMatch(4))
        .withMessage("modulus is 4; expected 5 or more");
  }
}
