package io.steelyard.kernels.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class HalvesTest {

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F16", "BF16"})
  void everyNumberOfTheFormatSurvives(DType half) {
    for (int bits = 0; bits < 1 << 16; bits++) {
      final float value = Halves.toFloat(half, (short) bits);
      final short back = Halves.of(half, value);
      if (Float.isNaN(value)) {
        assertThat(Halves.toFloat(half, back)).isNaN();
      } else {
        assertThat(back).as("bits %x", bits).isEqualTo((short) bits);
      }
    }
  }

  /** Between neighbours of a format lies their mean, which goes to the even one. */
  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F16", "BF16"})
  void roundsToTheNearestAndTiesToEven(DType half) {
    final int infinity = Halves.of(half, Double.POSITIVE_INFINITY);
    final SplittableRandom random = new SplittableRandom(7);
    for (int trial = 0; trial < 20_000; trial++) {
      final int lower = random.nextInt(infinity - 1);
      final double a = Halves.toFloat(half, (short) lower);
      final double b = Halves.toFloat(half, (short) (lower + 1));
      final double middle = (a + b) / 2;
      final int even = lower + (lower & 1);
      assertThat(Halves.of(half, middle)).as("middle %s", middle).isEqualTo((short) even);
      assertThat(Halves.of(half, -middle)).isEqualTo((short) (even | 0x8000));
      // A double this close to the middle is the middle as a float.
      assertThat(Halves.of(half, Math.nextUp(middle))).isEqualTo((short) (lower + 1));
      assertThat(Halves.of(half, Math.nextDown(middle))).isEqualTo((short) lower);
    }
  }

  @Test
  void whatIsTooLargeIsInfinite() {
    assertThat(Halves.toFloat(DType.F16, Halves.of(DType.F16, 65519.99))).isEqualTo(65504f);
    assertThat(Halves.toFloat(DType.F16, Halves.of(DType.F16, 65520))).isInfinite();
    assertThat(Halves.toFloat(DType.BF16, Halves.of(DType.BF16, Double.MAX_VALUE))).isInfinite();
    assertThat(Halves.toFloat(DType.BF16, Halves.of(DType.BF16, -Double.MIN_VALUE))).isEqualTo(-0f);
  }

  @Test
  void tensorsReadAndWriteThem() {
    final Tensor tensor = Tensor.zeros(DType.BF16, 2, 2);
    tensor.setDouble(3, 1.00390625);
    assertThat(tensor.get(1, 1)).isEqualTo(1.0);
    tensor.setDouble(3, 1.0078125);
    assertThat(tensor.to(DType.F32).get(1, 1)).isEqualTo(1.0078125);
    assertThat(tensor).hasToString("bf16[2, 2]");
    assertThat(DType.of("bf16")).isEqualTo(DType.BF16);
    assertThatThrownBy(() -> Tensor.of(new short[4], DType.F32, 4)).hasMessageContaining("f32");
    assertThatThrownBy(() -> Tensor.of(new short[3], DType.F16, 4)).hasMessageContaining("3");
    assertThatThrownBy(() -> Halves.of(DType.F32, 1)).hasMessageContaining("f16 or bf16");
  }
}
