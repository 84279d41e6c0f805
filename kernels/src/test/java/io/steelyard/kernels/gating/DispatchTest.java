package io.steelyard.kernels.gating;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The way of tokens to experts and back. */
class DispatchTest {

  private static final int TOKENS = 40;
  private static final int CHOICES = 2;
  private static final int EXPERTS = 5;
  private static final int WIDTH = 7;

  private static RandomGenerator random(long seed) {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
  }

  private static Tensor normal(RandomGenerator random, long... shape) {
    final Tensor tensor = Tensor.zeros(DType.F64, shape);
    for (long i = 0; i < tensor.size(); i++) {
      tensor.setDouble(i, random.nextGaussian());
    }
    return tensor;
  }

  private static Dispatch plan(RandomGenerator random, int capacity) {
    final int[] indices = new int[TOKENS * CHOICES];
    for (int token = 0; token < TOKENS; token++) {
      final int first = random.nextInt(EXPERTS);
      indices[token * CHOICES] = first;
      indices[token * CHOICES + 1] =
          random.nextInt(4) == 0 ? -1 : (first + 1 + random.nextInt(EXPERTS - 1)) % EXPERTS;
    }
    return Dispatch.plan(Tensor.of(indices, TOKENS, CHOICES), EXPERTS, capacity);
  }

  @Test
  void firstChoicesOfAllComeBeforeSecondChoices() {
    // Expert 1 is the first choice of tokens 1 and 2 and the second of token 0.
    final Dispatch plan = Dispatch.plan(Tensor.of(new int[] {0, 1, 1, 0, 1, -1}, 3, 2), 2, 2);
    assertThat(plan.demand()).containsExactly(2, 3);
    assertThat(plan.load()).containsExactly(2, 2);
    assertThat(plan.dropped()).isEqualTo(1);
    assertThat(plan.imbalance()).isEqualTo(1.2);
    assertThat(plan.place(0, 0)).isZero();
    assertThat(plan.place(0, 1)).isEqualTo(-1);
    assertThat(plan.place(1, 0)).isZero();
    assertThat(plan.place(1, 1)).isEqualTo(1);
    assertThat(plan.place(2, 0)).isEqualTo(1);
    assertThat(plan.place(2, 1)).isEqualTo(-1);

    final float[] queues = new float[4];
    Arrays.fill(queues, Float.NaN);
    plan.send(Tensor.of(new float[] {10, 20, 30}, 3, 1), Tensor.of(queues, 2, 2, 1));
    assertThat(queues).containsExactly(10, 20, 20, 30);
    final float[] outputs = {Float.NaN, Float.NaN, Float.NaN};
    plan.combine(
        Tensor.of(queues, 2, 2, 1),
        Tensor.of(new float[] {0.75f, 0.25f, 0.5f, 0.5f, 0, 1}, 3, 2),
        Tensor.of(outputs, 3, 1));
    assertThat(outputs).containsExactly(7.5f, 20, 30);
  }

  @ParameterizedTest
  @ValueSource(longs = {101, 102, 103})
  void everyExpertTakesWhatItHasRoomForAndNoPlaceIsTakenTwice(long seed) {
    for (final int capacity : new int[] {0, 3, 12, TOKENS}) {
      final Dispatch plan = plan(random(seed), capacity);
      final Tensor ones = Tensor.zeros(DType.F64, TOKENS, 1);
      for (int i = 0; i < TOKENS; i++) {
        ones.setDouble(i, 1);
      }
      final Tensor queues = Tensor.zeros(DType.F64, EXPERTS, capacity, 1);
      plan.send(ones, queues);
      final int[] load = plan.load();
      for (int expert = 0; expert < EXPERTS; expert++) {
        for (int place = 0; place < capacity; place++) {
          assertThat(queues.get(expert, place, 0))
              .as("seed %d, capacity %d, expert %d, place %d", seed, capacity, expert, place)
              .isEqualTo(place < load[expert] ? 1 : 0);
        }
      }
      assertThat(Arrays.stream(load).sum() + plan.dropped())
          .as("seed %d, capacity %d", seed, capacity)
          .isEqualTo(Arrays.stream(plan.demand()).sum());
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {104, 105, 106})
  void gradientsAreTheAdjoints(long seed) {
    final var random = random(seed);
    final int capacity = 11;
    final Dispatch plan = plan(random, capacity);
    final Tensor tokens = normal(random, TOKENS, WIDTH);
    final Tensor queues = Tensor.zeros(DType.F64, EXPERTS, capacity, WIDTH);
    final Tensor dqueues = normal(random, EXPERTS, capacity, WIDTH);
    final Tensor dtokens = Tensor.zerosLike(tokens);
    plan.send(tokens, queues);
    plan.collect(dqueues, dtokens);
    assertThat(dot(queues, dqueues))
        .as("seed %d", seed)
        .isCloseTo(dot(tokens, dtokens), offset(1e-11));

    final Tensor results = normal(random, EXPERTS, capacity, WIDTH);
    final Tensor weights = normal(random, TOKENS, EXPERTS);
    final Tensor outputs = Tensor.zeros(DType.F64, TOKENS, WIDTH);
    final Tensor doutputs = normal(random, TOKENS, WIDTH);
    final Tensor dresults = Tensor.zerosLike(results);
    final Tensor dweights = Tensor.zerosLike(weights);
    plan.combine(results, weights, outputs);
    plan.combineVjp(results, weights, doutputs, dresults, dweights);
    // Combining is linear in the results and in the weights.
    final double value = dot(outputs, doutputs);
    assertThat(dot(results, dresults)).as("seed %d", seed).isCloseTo(value, offset(1e-11));
    assertThat(dot(weights, dweights)).as("seed %d", seed).isCloseTo(value, offset(1e-11));
  }

  @ParameterizedTest
  @ValueSource(longs = {107, 108})
  void singleOnAnyMemoryAgreesWithDouble(long seed) {
    final var random = random(seed);
    final int capacity = 9;
    final Dispatch plan = plan(random, capacity);
    final Tensor results = normal(random, EXPERTS, capacity, WIDTH).to(DType.F32);
    final Tensor weights = normal(random, TOKENS, EXPERTS).to(DType.F32);
    final Tensor exact = Tensor.zeros(DType.F64, TOKENS, WIDTH);
    plan.combine(results.to(DType.F64), weights.to(DType.F64), exact);
    final Tensor outputs = Tensor.zeros(DType.F32, TOKENS, WIDTH);
    plan.combine(results, weights, outputs);
    try (Arena arena = Arena.ofConfined()) {
      final MemorySegment memory = arena.allocate(4L * TOKENS * WIDTH);
      final Tensor elsewhere = Tensor.of(memory, DType.F32, TOKENS, WIDTH);
      plan.combine(results, weights, elsewhere);
      for (long i = 0; i < exact.size(); i++) {
        // Two terms, none above 16 here.
        assertThat(outputs.getDouble(i)).isCloseTo(exact.getDouble(i), offset(64 * 0x1p-24));
        assertThat(elsewhere.getDouble(i)).isCloseTo(exact.getDouble(i), offset(64 * 0x1p-24));
      }
    }
  }

  @Test
  void capacityRoundsUp() {
    assertThat(Dispatch.capacity(100, 2, 8, 1)).isEqualTo(25);
    assertThat(Dispatch.capacity(101, 2, 8, 1)).isEqualTo(26);
    assertThat(Dispatch.capacity(100, 2, 8, 1.25)).isEqualTo(32);
    assertThat(Dispatch.capacity(0, 2, 8, 1)).isZero();
  }

  @Test
  void badArgumentsAreNamed() {
    final Tensor indices = Tensor.of(new int[] {0, 3}, 1, 2);
    assertThatThrownBy(() -> Dispatch.plan(indices, 3, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("indices holds 3 (token 0, choice 1); expected 0 to 2, or -1 for none");
    assertThatThrownBy(() -> Dispatch.plan(Tensor.of(new int[2], 2), 3, 1))
        .hasMessage("indices is i32[2]; expected i32 [T, K]");
    assertThatThrownBy(() -> Dispatch.plan(indices, 4, -1))
        .hasMessage("experts is 4 and capacity is -1; expected 1 or more and 0 or more");
    final Dispatch plan = Dispatch.plan(indices, 4, 2);
    assertThatThrownBy(
            () -> plan.send(Tensor.of(new float[3], 1, 3), Tensor.of(new float[8], 4, 2, 1)))
        .hasMessage("queues is f32[4, 2, 1]; expected f32[4, 2, 3]");
    assertThatThrownBy(
            () -> plan.send(Tensor.of(new float[6], 2, 3), Tensor.of(new float[24], 4, 2, 3)))
        .hasMessage("tokens is f32[2, 3]; expected f32 or f64 [1, D]");
  }

  private static double dot(Tensor a, Tensor b) {
    double sum = 0;
    for (long i = 0; i < a.size(); i++) {
      sum += a.getDouble(i) * b.getDouble(i);
    }
    return sum;
  }
}
