package io.steelyard.kernels.attention;

import static io.steelyard.kernels.tensor.Elements.assertWithin;
import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.simd.SteadyState;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Masks and biases in every layout, over tiles that are whole, cut off, seen by all and seen by
 * none, against the meaning in double; NaN stands wherever nobody looks.
 */
class HiddenKeysTest {

  private static final int HEADS = 2;
  private static final int QUERIES = 77;
  private static final int KEYS = 389;
  private static final int DEPTH = 8;

  /** Nobody sees these keys. */
  private static final int BLIND_FROM = 120;

  private static final int BLIND_TO = 260;

  private final Random random = new Random(3);

  private Tensor normal(int tokens) {
    final float[] data = new float[HEADS * tokens * DEPTH];
    for (int i = 0; i < data.length; i++) {
      data[i] = (float) random.nextGaussian();
    }
    return Tensor.of(data, 1, HEADS, tokens, DEPTH);
  }

  private static boolean blind(int key) {
    return key >= BLIND_FROM && key < BLIND_TO;
  }

  /** One row of flags in three hides everything from 128 on; one query sees nothing at all. */
  private boolean[] flags() {
    final boolean[] keep = new boolean[QUERIES * KEYS];
    for (int i = 0; i < keep.length; i++) {
      final int query = i / KEYS;
      final int key = i % KEYS;
      keep[i] =
          query != 5
              && !blind(key)
              && (query % 3 != 0 || key < FusedAttention.KEYS)
              && random.nextInt(4) > 0;
    }
    return keep;
  }

  private static Tensor transposed(boolean[] keep) {
    final boolean[] turned = new boolean[keep.length];
    for (int i = 0; i < keep.length; i++) {
      turned[i % KEYS * QUERIES + i / KEYS] = keep[i];
    }
    return Tensor.of(turned, KEYS, QUERIES).transpose(0, 1);
  }

  /** Any number but 0 is true. */
  private static Tensor outside(boolean[] keep, Arena arena) {
    final MemorySegment memory = arena.allocate(keep.length);
    for (int i = 0; i < keep.length; i++) {
      memory.set(ValueLayout.JAVA_BYTE, i, (byte) (keep[i] ? 1 + i % 255 : 0));
    }
    return Tensor.of(memory, DType.BOOL, QUERIES, KEYS);
  }

  private static Tensor windowed(boolean[] keep) {
    final boolean[] wide = new boolean[QUERIES * (KEYS + 9)];
    Arrays.fill(wide, true);
    for (int i = 0; i < keep.length; i++) {
      wide[i / KEYS * (KEYS + 9) + 4 + i % KEYS] = keep[i];
    }
    return Tensor.of(wide, QUERIES, KEYS + 9).slice(1, 4, 4 + KEYS);
  }

  private static Tensor bias(boolean[] keep) {
    final float[] bias = new float[keep.length];
    for (int i = 0; i < keep.length; i++) {
      bias[i] = keep[i] ? (float) Math.sin(i) : Float.NEGATIVE_INFINITY;
    }
    return Tensor.of(bias, QUERIES, KEYS);
  }

  private Map<String, AttentionOptions> layouts(Arena arena) {
    final AttentionOptions plain = AttentionOptions.defaults().withThreads(1);
    final boolean[] keep = flags();
    final boolean[] padding = new boolean[KEYS];
    final float[] penalty = new float[KEYS];
    for (int j = 0; j < KEYS; j++) {
      padding[j] = !blind(j) && j % 5 > 0;
      penalty[j] = padding[j] ? j % 7 * 0.25f : Float.NEGATIVE_INFINITY;
    }
    final boolean[] few = new boolean[QUERIES];
    for (int i = 0; i < QUERIES; i++) {
      few[i] = i % 4 > 0;
    }
    final Mask columns = Mask.keep(Tensor.of(padding, 1, KEYS));
    final Map<String, AttentionOptions> layouts = new LinkedHashMap<>();
    layouts.put("flags", plain.withMask(Mask.keep(Tensor.of(keep, QUERIES, KEYS))));
    layouts.put("flags outside", plain.withMask(Mask.keep(outside(keep, arena))));
    layouts.put("flags of a window", plain.withMask(Mask.keep(windowed(keep))));
    layouts.put("flags turned", plain.withMask(Mask.keep(transposed(keep))));
    layouts.put("columns", plain.withMask(columns));
    layouts.put("rows", plain.withMask(columns.and(Mask.keep(Tensor.of(few, QUERIES, 1)))));
    layouts.put(
        "flags, columns, causal",
        plain.withMask(Mask.causal().and(columns).and(Mask.keep(Tensor.of(keep, QUERIES, KEYS)))));
    layouts.put("bias", plain.withBias(bias(keep)));
    layouts.put("bias of columns", plain.withBias(Tensor.of(penalty, 1, KEYS)));
    layouts.put(
        "flags, bias, slopes",
        plain
            .withMask(Mask.keep(Tensor.of(keep, QUERIES, KEYS)))
            .withBias(bias(keep))
            .withSlopes(Tensor.of(new float[] {0.01f, 0.25f}, HEADS)));
    return layouts;
  }

  private static void blindfold(Tensor x) {
    for (int h = 0; h < HEADS; h++) {
      for (int j = BLIND_FROM; j < BLIND_TO; j++) {
        for (int c = 0; c < DEPTH; c++) {
          x.setDouble((h * KEYS + j) * DEPTH + c, j % 2 == 0 ? Double.NaN : 1e300);
        }
      }
    }
  }

  private static AttentionOptions exact(AttentionOptions options) {
    return new AttentionOptions(
        options.mask(),
        options.bias().map(b -> b.to(DType.F64)),
        options.slopes().map(s -> s.to(DType.F64)),
        options.scale(),
        options.threads());
  }

  private static void assertClose(Tensor actual, Tensor exact, String what) {
    final double[] want = exact.toDoubleArray();
    for (int i = 0; i < want.length; i++) {
      assertThat(want[i]).isFinite();
      assertWithin(actual.getDouble(i), want[i], 2e-5 * (1 + Math.abs(want[i])), what, i);
    }
  }

  @Test
  void everyLayoutMeansTheSame() {
    try (Arena arena = Arena.ofConfined()) {
      layouts(arena)
          .forEach(
              (name, options) -> {
                for (final boolean poisoned : new boolean[] {false, true}) {
                  check(name + (poisoned ? ", NaN where nobody looks" : ""), options, poisoned);
                }
              });
    }
  }

  private void check(String name, AttentionOptions options, boolean poisoned) {
    final Tensor q = normal(QUERIES);
    final Tensor k = normal(KEYS);
    final Tensor v = normal(KEYS);
    final Tensor cotangent = normal(QUERIES);
    if (poisoned) {
      blindfold(k);
      blindfold(v);
    }
    final Tensor[] single = results(q, k, v, cotangent, options);
    final Tensor[] twice =
        results(
            q.to(DType.F64),
            k.to(DType.F64),
            v.to(DType.F64),
            cotangent.to(DType.F64),
            exact(options));
    for (int i = 0; i < single.length; i++) {
      assertClose(single[i], twice[i], name + ", result " + i);
    }
  }

  /** Outputs and gradients of softmax, then of sigmoid attention, then re-weighted outputs. */
  private static Tensor[] results(
      Tensor q, Tensor k, Tensor v, Tensor cotangent, AttentionOptions options) {
    final Tensor[] to = new Tensor[9];
    for (int i = 0; i < 9; i++) {
      to[i] = Tensor.zerosLike(i % 4 < 2 ? q : k);
    }
    final Tensor lse = Tensor.zeros(q.dtype(), 1, HEADS, QUERIES);
    SoftmaxAttention.apply(q, k, v, to[0], lse, options);
    SoftmaxAttention.vjp(q, k, v, to[0], lse, cotangent, to[1], to[2], to[3], options);
    SigmoidAttention.apply(q, k, v, to[4], -3, options);
    SigmoidAttention.vjp(q, k, v, cotangent, to[5], to[6], to[7], -3, options);
    ReweightedSoftplusAttention.apply(q, k, v, to[8], new Reweighting(3, true), options);
    return to;
  }

  @Tag("allocation")
  @Test
  void callsAllocateNothing() {
    final Tensor q = normal(QUERIES);
    final Tensor k = normal(KEYS);
    final Tensor v = normal(KEYS);
    final Tensor o = Tensor.zerosLike(q);
    final Tensor lse = Tensor.zeros(DType.F32, 1, HEADS, QUERIES);
    final Tensor dq = Tensor.zerosLike(q);
    final Tensor dk = Tensor.zerosLike(k);
    final Tensor dv = Tensor.zerosLike(v);
    try (Arena arena = Arena.ofConfined()) {
      layouts(arena)
          .forEach(
              (name, options) ->
                  assertThat(
                          SteadyState.bytesPerCall(
                              () -> {
                                SoftmaxAttention.apply(q, k, v, o, lse, options);
                                SoftmaxAttention.vjp(q, k, v, o, lse, o, dq, dk, dv, options);
                              }))
                      .as(name + ": bytes a call")
                      .isZero());
    }
  }
}
