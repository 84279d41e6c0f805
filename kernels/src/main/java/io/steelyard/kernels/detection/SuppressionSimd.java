package io.steelyard.kernels.detection;

import io.steelyard.kernels.parallel.Job;
import io.steelyard.kernels.parallel.Workers;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.Optional;

/**
 * Suppression of float32 boxes: sorts them into groups of one class and image, lets {@link
 * BoxPanelSimd} work on each, and orders what is left by score.
 */
final class SuppressionSimd implements Job {

  private static final ThreadLocal<SuppressionSimd> OWN =
      ThreadLocal.withInitial(SuppressionSimd::new);

  /** Boxes below which waking another thread costs more than it saves. */
  private static final int WORTH_WAKING = 512;

  private static final ScoredBoxes NOTHING =
      ScoredBoxes.of(Tensor.of(new float[0], 0, 4), Tensor.of(new float[0], 0));
  private static final Decay ANY = Decay.hard(1);

  private final StableOrder order = new StableOrder();
  private final StableOrder kept = new StableOrder();
  private int[] classes = new int[0];
  private int[] images = new int[0];
  private int[] groupStarts = new int[1];

  /** What each box came out with; its group alone writes it. */
  private float[] results = new float[0];

  private int[] keys = new int[0];

  private ScoredBoxes boxes = NOTHING;
  private Decay decay = ANY;
  private SuppressionOptions options = SuppressionOptions.defaults();

  private SuppressionSimd() {}

  static int apply(
      ScoredBoxes boxes, Decay decay, SuppressionOptions options, Tensor indices, Tensor scores) {
    return OWN.get().suppress(boxes, decay, options, indices, scores);
  }

  private int suppress(
      ScoredBoxes newBoxes,
      Decay newDecay,
      SuppressionOptions newOptions,
      Tensor indices,
      Tensor scores) {
    final int n = newBoxes.count();
    reserve(n);
    boxes = newBoxes;
    decay = newDecay;
    options = newOptions;
    try {
      final int groups = group(n);
      Arrays.fill(results, 0, n, Float.NEGATIVE_INFINITY);
      Workers.shared().run(this, groups, n < WORTH_WAKING ? 1 : options.threads());
    } finally {
      boxes = NOTHING;
    }
    kept.clear(n);
    for (int i = 0; i < n; i++) {
      if (results[i] > 0) {
        kept.add(i);
        // Positive floats are ordered like their bits.
        keys[i] = ~Float.floatToRawIntBits(results[i]);
      }
    }
    kept.by(keys);
    for (int k = 0; k < kept.count(); k++) {
      indices.setDouble(indices.flatIndex(k), kept.at(k));
      scores.setDouble(scores.flatIndex(k), results[kept.at(k)]);
    }
    return kept.count();
  }

  @Override
  public void run(int group) {
    final BoxPanelSimd panel = BoxPanelSimd.own();
    final int from = groupStarts[group];
    final int to = groupStarts[group + 1];
    panel.open(to - from, options);
    for (int k = from; k < to; k++) {
      panel.add(boxes, order.at(k));
    }
    panel.select(decay, results);
  }

  /** Orders boxes by image and class, by index within; returns how many groups that makes. */
  private int group(int n) {
    order.reset(n);
    read(boxes.classes(), classes, n);
    read(boxes.images(), images, n);
    order.by(classes);
    order.by(images);
    int groups = 0;
    for (int k = 0; k < n; k++) {
      if (k == 0
          || classes[order.at(k)] != classes[order.at(k - 1)]
          || images[order.at(k)] != images[order.at(k - 1)]) {
        groupStarts[groups++] = k;
      }
    }
    groupStarts[groups] = n;
    return groups;
  }

  private static void read(Optional<Tensor> ids, int[] to, int n) {
    if (ids.isEmpty()) {
      Arrays.fill(to, 0, n, 0);
      return;
    }
    final Tensor tensor = ids.get();
    for (int i = 0; i < n; i++) {
      to[i] = (int) tensor.getDouble(tensor.offset() + i * tensor.rowStride());
    }
  }

  private void reserve(int n) {
    if (results.length < n) {
      classes = new int[n];
      images = new int[n];
      groupStarts = new int[n + 1];
      results = new float[n];
      keys = new int[n];
    }
  }
}
