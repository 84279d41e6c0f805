package io.steelyard.layers.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.Gradients;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.loss.AdaptiveMarginLoss.Adapted;
import io.steelyard.layers.tensor.Scalars;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Published numbers of each loss, and what holds for one of them only. */
class LossGoldenTest {

  private static final LossOptions MEAN = LossOptions.mean();

  private NDManager manager;

  @BeforeEach
  void open() {
    manager = Libtorch.newManager();
  }

  @AfterEach
  void close() {
    manager.close();
  }

  private NDArray array(long columns, double... values) {
    return manager.create(values, new Shape(values.length / columns, columns));
  }

  private NDArray ids(int... ids) {
    return manager.create(ids);
  }

  private static double[] gradient(Function<NDArray, NDArray> f, NDArray x) {
    return Gradients.analytic(a -> f.apply(a.get(0)), new NDList(x.duplicate()))[0];
  }

  @Test
  void compSum() {
    final NDArray x = array(4, 2, 1, 0, -1);
    final double[] taus = {0, 0.5, 1, 1.5, 1.7, 2, 3};
    final double[] losses = {
      3.2214965529,
      2.1092561628,
      1.4401896986,
      1.0265878199,
      0.9072861592,
      0.7631171819,
      0.4719432652
    };
    for (int i = 0; i < taus.length; i++) {
      assertThat(CompSumLoss.compSum(x, ids(1), taus[i], MEAN).getDouble())
          .describedAs("tau " + taus[i])
          .isEqualTo(losses[i], within(1e-10));
      final double[] hot = {0, 1, 0, 0};
      assertThat(CompSumLoss.compSum(x, array(4, hot), taus[i], MEAN).getDouble())
          .describedAs("row, tau " + taus[i])
          .isEqualTo(losses[i], within(1e-10));
    }
    assertThat(gradient(a -> CompSumLoss.compSum(a, ids(1), 1, MEAN), x))
        .containsExactly(
            new double[] {.643914260, -.763117182, .087144319, .032058603}, within(1e-9));
    assertThat(gradient(a -> CompSumLoss.compSum(a, ids(1), 0.5, MEAN), x))
        .containsExactly(
            new double[] {1.323004320, -1.567921991, .179049164, .065868507}, within(1e-9));
    assertThat(gradient(a -> CompSumLoss.compSum(a, ids(1), 2, MEAN), x))
        .containsExactly(
            new double[] {.152532224, -.180769349, .020642992, .007594132}, within(1e-9));
  }

  @Test
  void compSumIsContinuousAtOneAndFallsWithTau() {
    final NDArray x = array(4, 2, 1, 0, -1);
    double before = Double.POSITIVE_INFINITY;
    for (final double tau : new double[] {0, 0.3, 1 - 1e-9, 1, 1 + 1e-9, 1.2, 2, 4}) {
      final double loss = CompSumLoss.compSum(x, ids(1), tau, MEAN).getDouble();
      assertThat(loss).isLessThanOrEqualTo(before);
      before = loss;
    }
    assertThat(CompSumLoss.compSum(x, ids(1), 1 - 1e-9, MEAN).getDouble())
        .isEqualTo(1.4401896986, within(2e-9));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new CompSumLoss(-0.5))
        .withMessageContaining("tau is -0.5");
  }

  @Test
  void aGradientBeyondTheLargestNumberIsTheLargestNumber() {
    final NDArray x = manager.create(new float[] {0, 500}, new Shape(1, 2));
    x.setRequiresGradient(true);
    try (var collector = Libtorch.engine().newGradientCollector()) {
      final NDArray loss = CompSumLoss.compSum(x, ids(0), 0, MEAN);
      collector.backward(loss);
      assertThat(loss.getFloat()).isInfinite();
    }
    assertThat(x.getGradient().toFloatArray()).containsExactly(-Float.MAX_VALUE, Float.MAX_VALUE);
  }

  @Test
  void adversarialNorm() {
    final NDArray h = array(3, 1, 0, -1);
    final NDArray moved = array(3, .5, .4, -1.2);
    final var terms = AdversarialCompSumLoss.Terms.DEFAULTS;
    final double clean = CompSumLoss.compSum(h, ids(0), 1, MEAN).getDouble();
    final Function<NDList, NDArray> loss =
        a -> AdversarialCompSumLoss.adversarial(a.get(0), a.get(1), ids(0), terms, MEAN);
    assertThat(loss.apply(new NDList(h, moved)).getDouble() - clean)
        .isEqualTo(.9486832981, within(1e-10));
    assertThat(Gradients.analytic(loss, new NDList(h.duplicate(), moved.duplicate()))[1])
        .containsExactly(new double[] {-1.264911064, .9486832981, .3162277660}, within(1e-9));
    // Unmoved scores, or nu = 0, leave the clean loss, and no NaN in its gradient.
    assertThat(loss.apply(new NDList(h, h)).getDouble()).isEqualTo(clean, within(1e-15));
    assertThat(Gradients.analytic(loss, new NDList(h.duplicate(), h.duplicate()))[1])
        .containsExactly(new double[3], within(0.0));
    assertThat(
            AdversarialCompSumLoss.adversarial(h, moved, ids(0), terms.withNu(0), MEAN).getDouble())
        .isEqualTo(clean, within(1e-15));
  }

  @Test
  void adversarialGradients() {
    final RandomGenerator random = new SplittableRandom(8);
    final NDArray h = array(4, random.doubles(12, -2, 2).toArray());
    final NDArray moved = array(4, random.doubles(12, -2, 2).toArray());
    final var terms = new AdversarialCompSumLoss.Terms(0.5, 2, 0.7);
    final LossOptions options = MEAN.withWeights(manager.create(new double[] {1, 0, 2}));
    Gradients.check(
        "adversarial, seed 8",
        a -> AdversarialCompSumLoss.adversarial(a.get(0), a.get(1), ids(1, 3, 0), terms, options),
        new NDList(h, moved),
        1e-7);
    assertThat(
            new AdversarialCompSumLoss(terms)
                .evaluate(new NDList(ids(1, 3, 0)), new NDList(h, moved))
                .getDouble())
        .isEqualTo(
            AdversarialCompSumLoss.adversarial(h, moved, ids(1, 3, 0), terms, MEAN).getDouble());
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                AdversarialCompSumLoss.adversarial(h, moved.get("0:2"), ids(1, 3, 0), terms, MEAN))
        .withMessageContaining("moved scores are float64 (2, 4)");
  }

  @Test
  void adversarialTotalOfALinearModelAfterTheSearch() {
    final NDArray w = array(2, 1, -.5, .2, .3, -.7, .9);
    final NDArray x = array(2, .5, -.2);
    final double[] taus = {.5, 1, 1.5};
    final double[] totals = {1.245985377, 1.132174783, 1.040199893};
    final ProjectedAscent search = new ProjectedAscent(0.1, 0.03, 20, -10, 10);
    for (int i = 0; i < taus.length; i++) {
      final NDArray moved =
          search.moved(a -> a.matMul(w.transpose()), x, ids(0), new SplittableRandom(3));
      assertThat(moved.sub(x).abs().toDoubleArray())
          .containsExactly(new double[] {0.1, 0.1}, within(1e-15));
      final var terms = new AdversarialCompSumLoss.Terms(taus[i], 1, Math.sqrt(2));
      assertThat(
              AdversarialCompSumLoss.adversarial(
                      x.matMul(w.transpose()), moved.matMul(w.transpose()), ids(0), terms, MEAN)
                  .getDouble())
          .isEqualTo(totals[i], within(1e-9));
    }
    final NDArray clipped =
        new ProjectedAscent(0.1, 0.03, 20, 0, 0.55)
            .moved(a -> a.matMul(w.transpose()), x.abs(), ids(0), new SplittableRandom(3));
    assertThat(clipped.max().getDouble()).isLessThanOrEqualTo(0.55);
  }

  @Test
  void severalTargets() {
    final NDArray x = array(4, 1, 2, 0.5, -1);
    final NDArray hot = array(4, 1, 1, 0, 0);
    final InfoNceLoss.Form one = InfoNceLoss.Form.of(1);
    assertThat(InfoNceLoss.infoNce(x, hot, one, MEAN).getDouble())
        .isEqualTo(0.9951818981, within(1e-10));
    assertThat(gradient(a -> InfoNceLoss.infoNce(a, hot, one, MEAN), x))
        .containsExactly(
            new double[] {-0.275792182, 0.1094600376, 0.1359889158, 0.0303432286}, within(1e-9));
    assertThat(DecoupledSoftmaxLoss.decoupledSoftmax(x, hot, MEAN).getDouble())
        .isEqualTo(0.3981341081, within(1e-10));
    assertThat(gradient(a -> DecoupledSoftmaxLoss.decoupledSoftmax(a, hot, MEAN), x))
        .containsExactly(
            new double[] {-0.2129515035, -0.1072014827, 0.26174891, 0.0584040762}, within(1e-9));
    final SoftTopKLoss.Form top = SoftTopKLoss.Form.of(2, 2);
    assertThat(SoftTopKLoss.softTopK(x, hot, top, MEAN).getDouble())
        .isEqualTo(0.258384269, within(1e-9));
    assertThat(gradient(a -> SoftTopKLoss.softTopK(a, hot, top, MEAN), x))
        .containsExactly(
            new double[] {-0.1840823521, -0.0207423203, 0.1815215035, 0.0233031689}, within(1e-9));
    assertThat(SoftTopK.weights(x, 2, 2).toDoubleArray())
        .containsExactly(
            new double[] {0.6415459213, 0.9296993498, 0.3970146324, 0.0317400964}, within(1e-9));
    assertThat(SoftTopK.weights(x, 1, 20).toDoubleArray())
        .containsExactly(new double[] {4.5396838e-05, 0.9999546, 2.06e-09, 0}, within(1e-8));
    assertThat(SoftTopK.weights(x, 4, 1).toDoubleArray()).containsExactly(1, 1, 1, 1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SoftTopK.weights(x, 0, 1))
        .withMessageContaining("k is 0.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SoftTopKLoss.Form.of(1, -2))
        .withMessageContaining("alpha is -2.0");
  }

  @Test
  void masksOfTargetsAverageToTheDecoupledLoss() {
    final NDArray x = array(4, 1, 2, 0.5, -1);
    final NDArray hot = array(4, 1, 1, 0, 0);
    double sum = 0;
    for (final int left : new int[] {0, 1}) {
      final boolean[] keep = {true, true, true, true};
      keep[left] = false;
      sum +=
          DecoupledSoftmaxLoss.decoupledSoftmax(
                  x, hot, MEAN.withMask(manager.create(keep).reshape(1, 4)))
              .getDouble();
    }
    assertThat(sum / 2).isEqualTo(0.3981341081, within(1e-10));
  }

  @Test
  void inBatchTargetsAreAllOfTheSameId() {
    final NDArray x = array(3, 1, 2, 0.5, -1, 0, 3, 0.2, 0.1, 0.7);
    final NDArray same = array(3, 1, 0, 1, 0, 1, 0, 1, 0, 1);
    final NDArray names = ids(7, 4, 7);
    assertThat(DecoupledSoftmaxLoss.inBatch(x, names, MEAN).getDouble())
        .isEqualTo(DecoupledSoftmaxLoss.decoupledSoftmax(x, same, MEAN).getDouble());
    assertThat(
            DecoupledSoftmaxLoss.ofBatch(MEAN)
                .evaluate(new NDList(names), new NDList(x))
                .getDouble())
        .isEqualTo(DecoupledSoftmaxLoss.decoupledSoftmax(x, same, MEAN).getDouble());
    final double[] without =
        DecoupledSoftmaxLoss.inBatch(x, ids(7, -100, 7), LossOptions.none()).toDoubleArray();
    assertThat(without[1]).isZero();
    assertThat(without[0]).isPositive();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> DecoupledSoftmaxLoss.inBatch(x, ids(1, 2), MEAN))
        .withMessageContaining("ids are int32 (2)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> DecoupledSoftmaxLoss.inBatch(x.get("0:2"), names, MEAN))
        .withMessageContaining("scores are (2, 3)");
  }

  @Test
  void symmetricInfoNce() {
    final RandomGenerator random = new SplittableRandom(9);
    final NDArray q = array(3, random.doubles(12, -1, 1).toArray());
    final NDArray k = array(3, random.doubles(12, -1, 1).toArray());
    final InfoNceLoss.Form form = InfoNceLoss.Form.of(0.3);
    final double forth = InfoNceLoss.ofPairs(q, k, form, MEAN).getDouble();
    final double back = InfoNceLoss.ofPairs(k, q, form, MEAN).getDouble();
    assertThat(InfoNceLoss.ofPairs(q, k, form.symmetric(), MEAN).getDouble())
        .isEqualTo((forth + back) / 2, within(1e-12));
    assertThat(
            new InfoNceLoss(form.symmetric())
                .evaluate(new NDList(ids(0, 1, 2, 3)), new NDList(q, k))
                .getDouble())
        .isEqualTo((forth + back) / 2, within(1e-12));
    Gradients.check(
        "symmetric, seed 9",
        a -> InfoNceLoss.ofPairs(a.get(0), a.get(1), form.symmetric(), MEAN),
        new NDList(q, k),
        1e-6);
    // A pair of weight 0 is gone as a query and as a key, whatever it holds.
    final NDArray dirty = q.duplicate();
    dirty.set(new NDIndex("2"), Double.NaN);
    final NDArray rows = manager.create(new long[] {0, 1, 3});
    final LossOptions weighted = MEAN.withWeights(manager.create(new double[] {1, 1, 0, 1}));
    final double three =
        InfoNceLoss.ofPairs(q.get(rows), k.get(rows), form.symmetric(), MEAN).getDouble();
    assertThat(InfoNceLoss.ofPairs(dirty, k, form.symmetric(), weighted).getDouble())
        .isEqualTo(three, within(1e-12));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> InfoNceLoss.infoNce(q, ids(0, 1, 2, 0), form.symmetric(), MEAN))
        .withMessageContaining("similarities are (4, 3)");
  }

  @Test
  void adaptiveMargin() {
    final NDArray a = array(3, .9, .2, .1, .3, .8, -.1, .6, .5, 0);
    final AdaptiveMarginLoss.Form form = AdaptiveMarginLoss.Form.DEFAULTS;
    final Adapted set = AdaptiveMarginLoss.adapt(a, ids(0, 1, 0), form, MEAN);
    assertThat(set.median()).isEqualTo(.8);
    assertThat(set.scale()).isEqualTo(100.0495792453, within(1e-9));
    assertThat(Math.exp(set.logRivals())).isEqualTo(1.0846610747e13, within(1e4));
    assertThat(set.margin()).isEqualTo(.5388989172, within(1e-10));
    assertThat(AdaptiveMarginLoss.adaptiveMargin(a, ids(0, 1, 0), form, MEAN).getDouble())
        .isEqualTo(15.9412250339, within(1e-9));
    final double[] each =
        AdaptiveMarginLoss.adaptiveMargin(a, ids(0, 1, 0), form, LossOptions.none())
            .toDoubleArray();
    assertThat(Math.exp(-each[0])).isEqualTo(.9999999, within(1e-10));
    assertThat(Math.exp(-each[1])).isEqualTo(.02, within(1e-13));
    assertThat(Math.exp(-each[2])).isEqualTo(8.4998614523e-20, within(1e-28));
    final double[] gradient =
        gradient(x -> AdaptiveMarginLoss.adaptiveMargin(x, ids(0, 1, 0), form, MEAN), a);
    assertThat(new double[] {gradient[3], gradient[4]})
        .containsExactly(new double[] {32.682862553, -32.682862553}, within(1e-8));
    assertThat(gradient[5]).isEqualTo(1.4e-16, within(1e-17));

    final NDArray b = array(3, .7, .2, .1, .3, .5, -.1, .4, .5, 0, .1, .2, .35);
    final AdaptiveMarginLoss.Form tenth = form.withAlpha(.1);
    final Adapted floor = AdaptiveMarginLoss.adapt(b, ids(0, 1, 0, 2), tenth, MEAN);
    assertThat(floor.median()).isEqualTo(.4);
    assertThat(floor.scale()).isEqualTo(32);
    assertThat(floor.margin()).isZero();
    assertThat(AdaptiveMarginLoss.adaptiveMargin(b, ids(0, 1, 0, 2), tenth, MEAN).getDouble())
        .isEqualTo(.8125356194, within(1e-10));
  }

  @Test
  void adaptiveMarginIsASoftmaxWithWhatItSet() {
    final RandomGenerator random = new SplittableRandom(12);
    final NDArray c = array(5, random.doubles(40, -.6, .9).toArray());
    final NDArray y = ids(random.ints(8, 0, 5).toArray());
    final NDArray weights = manager.create(new double[] {1, 2, 0, 1, 1, .5, 1, 1});
    final NDArray rows = manager.create(new long[] {0, 1, 3, 4, 5, 6, 7});
    for (final AdaptiveMarginLoss.Rivals rivals : AdaptiveMarginLoss.Rivals.values()) {
      final AdaptiveMarginLoss.Form form = AdaptiveMarginLoss.Form.DEFAULTS.withRivals(rivals);
      final Adapted set = AdaptiveMarginLoss.adapt(c, y, form, MEAN);
      final NDArray margin =
          Scalars.mul(
              y.toType(DataType.INT64, true).oneHot(5).toType(c.getDataType(), true), set.margin());
      final double[] expected =
          gradient(
              x ->
                  CrossEntropyLoss.crossEntropy(
                      Scalars.mul(x.sub(margin), set.scale()), y, 0, MEAN),
              c);
      assertThat(gradient(x -> AdaptiveMarginLoss.adaptiveMargin(x, y, form, MEAN), c))
          .containsExactly(expected, within(1e-10));
      // Weight 0 is removal, for the median too.
      final NDArray dirty = c.duplicate();
      dirty.set(new NDIndex("2"), Double.NaN);
      final LossOptions weighted = MEAN.withWeights(weights);
      assertThat(AdaptiveMarginLoss.adaptiveMargin(dirty, y, form, weighted).getDouble())
          .isEqualTo(
              AdaptiveMarginLoss.adaptiveMargin(
                      c.get(rows), y.get(rows), form, MEAN.withWeights(weights.get(rows)))
                  .getDouble(),
              within(1e-11));
      final Adapted plain = AdaptiveMarginLoss.adapt(c, y, form.withoutMargin(), MEAN);
      assertThat(plain.margin()).isZero();
      assertThat(plain.scale()).isEqualTo(set.scale());
      final Adapted bolder = AdaptiveMarginLoss.adapt(c, y, form.withAlpha(0.3), MEAN);
      assertThat(bolder.margin()).isLessThanOrEqualTo(set.margin());
      assertThat(bolder.scale()).isLessThanOrEqualTo(set.scale());
    }
    final NDArray single = array(2, 1, 0.5).toType(DataType.FLOAT32, true);
    final AdaptiveMarginLoss loss = new AdaptiveMarginLoss(AdaptiveMarginLoss.Form.DEFAULTS);
    assertThat(loss.evaluate(new NDList(ids(0)), new NDList(single)).getFloat()).isFinite();
    final LossOptions none = MEAN.withMask(manager.create(new boolean[8]));
    assertThat(
            AdaptiveMarginLoss.adaptiveMargin(c, y, AdaptiveMarginLoss.Form.DEFAULTS, none)
                .getDouble())
        .isZero();
  }

  @Test
  void adaptedSoftLabels() {
    final NDArray p =
        array(4, .7, .2, .06, .04, .28, .26, .24, .22, .4, .35, .15, .1, .97, .01, .01, .01);
    final NDArray quantised = SoftLabels.marginalSmoothed(p, 2);
    assertThat(quantised.toDoubleArray())
        .containsExactly(
            new double[] {
              .7, .2, .05, .05, .28, .26, .23, .23, .4, .35, .125, .125, .97, .01, .01, .01
            },
            within(1e-15));
    assertThat(SoftLabels.marginalRenormalized(p, 2).get(0).toDoubleArray())
        .containsExactly(new double[] {.7777777777777778, .2222222222222222, 0, 0}, within(1e-15));
    assertThat(SoftLabels.hard(p).get(2).toDoubleArray()).containsExactly(1, 0, 0, 0);
    assertThat(SoftLabels.smoothed(p).get(1).toDoubleArray())
        .containsExactly(new double[] {.28, .24, .24, .24}, within(1e-15));
    assertThat(SoftLabels.marginalSmoothed(p, 4).toDoubleArray())
        .containsExactly(p.toDoubleArray());
    final SoftLabels.Zones zones = new SoftLabels.Zones(.3, .5, .95, .1);
    final SoftLabels.Adapted adapted = zones.adapt(quantised, ids(0, 2, 1, 0));
    assertThat(adapted.zones())
        .isEqualTo(
            List.of(
                SoftLabels.Zone.HARD_POSITIVE,
                SoftLabels.Zone.HARD_NEGATIVE,
                SoftLabels.Zone.CONTEXT,
                SoftLabels.Zone.EASY));
    assertThat(adapted.targets().get(2).toDoubleArray())
        .containsExactly(new double[] {.025, .925, .025, .025}, within(1e-15));
    assertThat(adapted.weights().toDoubleArray()).containsExactly(1, 0, 1, 0);
    final NDArray x = array(4, 1, 0, -1, .5, .2, .1, 0, -.3, 0, 1, 2, -1, 2, 0, 0, 0);
    final LossOptions options = MEAN.withWeights(adapted.weights());
    final DistillationLoss.Form soft = DistillationLoss.Form.SOFT;
    assertThat(DistillationLoss.soft(x, adapted.targets(), soft, options).getDouble())
        .isEqualTo(1.2808784838674931, within(1e-14));
    assertThat(gradient(a -> DistillationLoss.soft(a, adapted.targets(), soft, options), x))
        .containsExactly(
            new double[] {
              -0.11300457687296095,
              -0.012814256179835365,
              0.007073842714678681,
              0.11874499033811767,
              0,
              0,
              0,
              0,
              0.031072159371016286,
              -0.344058590955045,
              0.30945712994398616,
              0.0035293016400424933,
              0,
              0,
              0,
              0
            },
            within(1e-15));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SoftLabels.marginalSmoothed(p, 5))
        .withMessageContaining("k is 5");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new SoftLabels.Zones(.5, .3, 1, .1))
        .withMessageContaining("in order");
    assertThat(SoftLabels.Zones.of(1000)).isEqualTo(new SoftLabels.Zones(.15, .3, 1, .1));
    assertThat(SoftLabels.Zones.of(10).low()).isEqualTo(.28, within(1e-15));
  }

  @Test
  void distillationMixesSoftAndHard() {
    final RandomGenerator random = new SplittableRandom(15);
    final NDArray x = array(4, random.doubles(12, -2, 2).toArray());
    final NDArray teacher = array(4, random.doubles(12, -2, 2).toArray()).softmax(1);
    final NDArray y = ids(1, 0, 3);
    final var form = new DistillationLoss.Form(2, 0.3, true);
    final double soft =
        CrossEntropyLoss.crossEntropy(Scalars.div(x, 2), teacher, 0, MEAN).getDouble() * 4;
    final double hard = CrossEntropyLoss.crossEntropy(x, y, 0, MEAN).getDouble();
    assertThat(DistillationLoss.distillation(x, teacher, y, form, MEAN).getDouble())
        .isEqualTo(0.3 * soft + 0.7 * hard, within(1e-13));
    assertThat(
            new DistillationLoss(form).evaluate(new NDList(teacher, y), new NDList(x)).getDouble())
        .isEqualTo(0.3 * soft + 0.7 * hard, within(1e-13));
    assertThat(DistillationLoss.distillation(x, teacher, y, form.withAlpha(0), MEAN).getDouble())
        .isEqualTo(hard, within(1e-15));
    Gradients.check(
        "distillation, seed 15",
        a -> DistillationLoss.distillation(a.get(0), teacher, y, form, MEAN),
        new NDList(x),
        1e-7);
    final double first =
        DistillationLoss.distillation(x.get("0:1"), teacher.get("0:1"), ids(1), form, MEAN)
            .getDouble();
    assertThat(
            DistillationLoss.distillation(x, teacher, ids(1, -100, -100), form, MEAN).getDouble())
        .isEqualTo(first, within(1e-13));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> DistillationLoss.distillation(x, teacher.get("0:2"), y, form, MEAN))
        .withMessageContaining("teacher are float64 (2, 4)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> form.withAlpha(1.5))
        .withMessageContaining("alpha is 1.5");
  }

  @Test
  void sdm() {
    final NDArray z = array(3, 1, 3, -1, 2, .5, 0);
    final NDArray q = manager.create(new double[] {5, 0});
    final NDArray d = manager.create(new double[] {.8, .3});
    assertThat(SdmLoss.sdm(z, ids(0, 0), q, d, MEAN).getDouble())
        .isEqualTo(1.4407070772, within(1e-10));
    assertThat(gradient(a -> SdmLoss.sdm(a, ids(0, 0), q, d, MEAN), z))
        .containsExactly(
            new double[] {
              -.383009897, .3822547367, .0007551603, -.0872856424, .0459095969, .0413760455
            },
            within(1e-9));
    final NDArray e = manager.create(new double[] {Math.E - 2, Math.E - 2});
    final NDArray one = manager.create(new double[] {1, 1});
    assertThat(SdmLoss.sdm(z, ids(0, 1), e, one, MEAN).getDouble())
        .isEqualTo(CrossEntropyLoss.crossEntropy(z, ids(0, 1), 0, MEAN).getDouble(), within(1e-14));
    assertThat(new SdmLoss(MEAN).evaluate(new NDList(ids(0, 0), q, d), new NDList(z)).getDouble())
        .isEqualTo(1.4407070772, within(1e-10));
    final NDArray shut = array(3, 1, 3, Double.NEGATIVE_INFINITY, 2, .5, 0);
    final NDArray zero = manager.create(new double[] {0, 0});
    assertThat(SdmLoss.sdm(shut, ids(0, 0), zero, zero, LossOptions.none()).toDoubleArray())
        .containsExactly(new double[] {1, Math.log(3) / Math.log(2)}, within(1e-14));
    final NDArray planted = manager.create(new double[] {5, Double.NaN});
    final LossOptions first = MEAN.withMask(manager.create(new boolean[] {true, false}));
    assertThat(SdmLoss.sdm(z, ids(0, 0), planted, d, first).getDouble())
        .isEqualTo(SdmLoss.sdm(z, ids(0, 0), q, d, first).getDouble());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SdmLoss.sdm(z, ids(0, 0), planted, d, MEAN))
        .withMessageContaining("similarities[1] is NaN");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SdmLoss.sdm(z, ids(0, 0), q, z, MEAN))
        .withMessageContaining("distances are float64 (2, 3)");
  }

  @Test
  void sdmNetworkIsTheFormulaWrittenOut() {
    final RandomGenerator random = new SplittableRandom(18);
    final int v = 5;
    final double[] ref = random.doubles(2 * v, -4, 4).toArray();
    final double[] neg = random.doubles(2 * v, -4, 4).toArray();
    final double[] pos = random.doubles(2 * v, -4, 4).toArray();
    final double[] q = {5, 2};
    final double[] d = {.8, .9};
    final int[] y = {3, 0};
    final double beta = 0.3;
    final double r = distance(ref, neg, pos, y, q, d);
    double loss = 0;
    for (int i = 0; i < 2; i++) {
      final double[] joint = new double[2 * v];
      System.arraycopy(neg, i * v, joint, 0, v);
      System.arraycopy(pos, i * v, joint, v, v);
      loss -= logs(joint, q[i], d[i])[v + y[i]] / 2;
    }
    assertThat(r).isGreaterThan(1);
    assertThat(loss).isGreaterThan(1);
    final double s = Math.clamp(Math.log(loss) / Math.log(r), 0.0, 1.0);
    final double expected = loss + beta * Math.pow(r, s / 2);
    final NDArray similarities = manager.create(q);
    final NDArray distances = manager.create(d);
    final NDArray reference = array(v, ref);
    final NDArray negative = array(v, neg);
    final Function<NDArray, SdmNetworkLoss.Scores> scores =
        x -> new SdmNetworkLoss.Scores(reference, negative, x);
    assertThat(
            SdmNetworkLoss.sdmNetwork(
                    scores.apply(array(v, pos)), ids(y), similarities, distances, beta, MEAN)
                .getDouble())
        .isEqualTo(expected, within(1e-12));
    assertThat(
            new SdmNetworkLoss(0, MEAN)
                .evaluate(
                    new NDList(ids(y), similarities, distances),
                    new NDList(reference, negative, array(v, pos)))
                .getDouble())
        .isEqualTo(loss, within(1e-12));
    // Far from the reference s is constant only for the gradient: that of the loss, and of r^(s/2).
    final double[] plain =
        gradient(
            x ->
                SdmNetworkLoss.sdmNetwork(
                    scores.apply(x), ids(y), similarities, distances, 0, MEAN),
            array(v, pos));
    final double[] full =
        gradient(
            x ->
                SdmNetworkLoss.sdmNetwork(
                    scores.apply(x), ids(y), similarities, distances, beta, MEAN),
            array(v, pos));
    final double step = 1e-5;
    for (int at = 0; at < pos.length; at++) {
      final double[] up = pos.clone();
      up[at] += step;
      final double[] down = pos.clone();
      down[at] -= step;
      final double slope =
          (distance(ref, neg, up, y, q, d) - distance(ref, neg, down, y, q, d)) / (2 * step);
      assertThat(full[at] - plain[at])
          .describedAs("entry " + at + " seed 18")
          .isEqualTo(beta * s / 2 * Math.pow(r, s / 2 - 1) * slope, within(1e-8));
    }
    // A row that takes no part is gone, whatever it holds.
    final LossOptions first = MEAN.withMask(manager.create(new boolean[] {true, false}));
    final NDArray dirty = array(v, pos);
    dirty.set(new NDIndex("1"), Double.NaN);
    assertThat(
            SdmNetworkLoss.sdmNetwork(
                    scores.apply(dirty), ids(y), similarities, distances, beta, first)
                .getDouble())
        .isEqualTo(
            SdmNetworkLoss.sdmNetwork(
                    new SdmNetworkLoss.Scores(
                        reference.get("0:1"), negative.get("0:1"), array(v, pos).get("0:1")),
                    ids(y[0]),
                    similarities.get("0:1"),
                    distances.get("0:1"),
                    beta,
                    MEAN)
                .getDouble(),
            within(1e-12));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> scores.apply(array(3, 1, 2, 3)))
        .withMessageContaining("reference scores are float64 (2, 5)");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                SdmNetworkLoss.sdmNetwork(
                    scores.apply(array(v, pos)), ids(3, 5), similarities, distances, beta, MEAN))
        .withMessageContaining("labels[1] is 5.0");
  }

  /** Logarithms of SDM outputs to base 2 + q. */
  private static double[] logs(double[] z, double q, double d) {
    double sum = 0;
    for (final double own : z) {
      sum += Math.pow(2 + q, d * own);
    }
    final double[] logs = new double[z.length];
    for (int k = 0; k < z.length; k++) {
      logs[k] = d * z[k] - Math.log(sum) / Math.log(2 + q);
    }
    return logs;
  }

  /** The mean distance r of the page. */
  private static double distance(
      double[] ref, double[] neg, double[] pos, int[] y, double[] q, double[] d) {
    final int v = ref.length / y.length;
    double r = 0;
    for (int i = 0; i < y.length; i++) {
      final double[] joint = new double[2 * v];
      final double[] twice = new double[2 * v];
      int bestRef = 0;
      int bestNeg = 0;
      int bestPos = 0;
      for (int k = 0; k < v; k++) {
        joint[k] = neg[i * v + k];
        joint[v + k] = pos[i * v + k];
        twice[k] = ref[i * v + k];
        twice[v + k] = ref[i * v + k];
        bestRef = ref[i * v + k] > ref[i * v + bestRef] ? k : bestRef;
        bestNeg = neg[i * v + k] > neg[i * v + bestNeg] ? k : bestNeg;
        bestPos = pos[i * v + k] > pos[i * v + bestPos] ? k : bestPos;
      }
      final double[] a = logs(joint, q[i], d[i]);
      final double[] b = logs(twice, q[i], d[i]);
      double squares = 0;
      for (int k = 0; k < 2 * v; k++) {
        final boolean out = k % v == bestRef || k == bestNeg || k == v + bestPos || k == v + y[i];
        squares += out ? 0 : (a[k] - b[k]) * (a[k] - b[k]);
      }
      r += Math.sqrt(squares) / y.length;
    }
    return r;
  }

  @Test
  void fourier() {
    final NDArray a = array(6, 1.5, .7, -.05, 0, .2, .4);
    assertThat(FourierLoss.roughness(a).toDoubleArray()[0] * 1e-3)
        .isEqualTo(.1188152326, within(1e-10));
    final NDArray o = array(4, -2.4375109751, -.5898259906, -1.5666960428, -1.9004288531);
    final NDArray y = ids(2);
    assertThat(new FourierLoss(1e-3, MEAN).evaluate(new NDList(y), new NDList(o, a)).getDouble())
        .isEqualTo(1.6855512746, within(1e-9));
    // The density of the page at the bin centres.
    final double[] density = {.1747361344, 1.1088275026, .417447383, .29898898};
    for (int j = 0; j < 4; j++) {
      final NDArray at = manager.create(new double[] {-1 + (2 * j + 1) / 4.0});
      assertThat(Math.exp(-FourierLoss.density(a, at, MEAN).getDouble()))
          .isEqualTo(density[j], within(1e-9));
    }
    final RandomGenerator random = new SplittableRandom(6);
    final NDArray many = array(6, random.doubles(18, -1, 1).toArray());
    final NDArray at = manager.create(new double[] {-.3, .9, .1});
    final LossOptions options = MEAN.withWeights(manager.create(new double[] {1, 0, 2}));
    Gradients.check(
        "density, seed 6", x -> FourierLoss.density(x.get(0), at, options), new NDList(many), 1e-6);
    Gradients.check(
        "roughness, seed 6",
        x -> FourierLoss.roughness(x.get(0)).sum(),
        new NDList(many.duplicate()),
        1e-6);
    final NDArray dirty = many.duplicate();
    dirty.set(new NDIndex("1"), Double.NaN);
    assertThat(gradient(x -> FourierLoss.density(x, at, options), dirty))
        .containsExactly(gradient(x -> FourierLoss.density(x, at, options), many));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> FourierLoss.density(many, manager.create(new double[] {0, 1.5, 0}), MEAN))
        .withMessageContaining("targets[1] is 1.5");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> FourierLoss.roughness(array(3, 1, 2, 3)))
        .withMessageContaining("coefficients are (1, 3)");
  }

  @Test
  void descriptorTriplets() {
    final NDArray raw =
        manager.create(
            new double[] {1, 0, 0, 1, 1, 1, .9, .1, .1, 1, -1, .2, 1, .3, .2, -1, -.5, 1},
            new Shape(3, 3, 2));
    final NDArray x = raw.div(raw.mul(raw).sum(new int[] {2}, true).sqrt());
    final NDArray attention = array(3, 0, 0, 0, 3, 2, 1, 0, 0, 0);
    assertThat(DescriptorTripletLoss.matches(x.get(0), x.get(1), attention.get(1), .9))
        .containsExactly(new DescriptorTripletLoss.Match(0, 0));
    final var form = DescriptorTripletLoss.Form.DEFAULTS.withTuple(3).withWeight(1);
    assertThat(DescriptorTripletLoss.triplets(x, attention, form).getDouble())
        .isEqualTo(.0278851011, within(1e-10));
    assertThat(DescriptorTripletLoss.triplets(x, attention, form.withMargin(.5)).getDouble())
        .isEqualTo(.4278851011, within(1e-10));
    Gradients.check(
        "triplets",
        a -> DescriptorTripletLoss.triplets(a.get(0), attention, form.withMargin(.5)),
        new NDList(x),
        1e-7);
    assertThat(
            new DescriptorTripletLoss(form)
                .evaluate(new NDList(ids(0, 0, 0)), new NDList(x, attention))
                .getDouble())
        .isEqualTo(.0278851011, within(1e-10));
    // Without a match nothing is learned, but the graph holds.
    assertThat(
            gradient(
                a -> DescriptorTripletLoss.triplets(a, array(3, 0, 0, 0, 1, 2, 3, 0, 0, 0), form),
                x))
        .containsExactly(new double[18], within(0.0));
    // The same map twice matches every attended descriptor with itself.
    final RandomGenerator random = new SplittableRandom(2);
    final NDArray map = array(3, random.doubles(24, -1, 1).toArray());
    assertThat(
            DescriptorTripletLoss.matches(
                map, map, manager.create(new double[] {5, 1, 4, 2, 3, 9, 8, 7}), .9))
        .extracting(DescriptorTripletLoss.Match::anchor)
        .containsExactly(0, 5, 6, 7);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> DescriptorTripletLoss.triplets(x, attention, form.withTuple(4)))
        .withMessageContaining("descriptors are (3, 3, 2)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> DescriptorTripletLoss.triplets(x, attention.get("0:2"), form))
        .withMessageContaining("attention is (2, 3)");
  }

  @Test
  void hingeIsThatOfTheSvmLossWithoutItsRidge() {
    final NDArray scores = array(3, .5, -1.5, .25, 2, .1, -.3);
    final NDArray none = array(3, 0, 0, 0);
    for (final boolean squared : new boolean[] {true, false}) {
      final SvmOptions svm = squared ? SvmOptions.L2 : SvmOptions.L1;
      final var form =
          squared
              ? io.steelyard.kernels.loss.HingeLoss.Form.L2
              : io.steelyard.kernels.loss.HingeLoss.Form.L1;
      assertThat(HingeLoss.hinge(scores, ids(0, 2), form, MEAN).getDouble())
          .isEqualTo(SvmLoss.svm(scores, ids(0, 2), none, svm).getDouble(), within(1e-15));
    }
    final NDArray infinite = array(2, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY);
    final var l2 = io.steelyard.kernels.loss.HingeLoss.Form.L2;
    assertThat(HingeLoss.hinge(infinite, ids(0), l2, MEAN).getDouble()).isZero();
    assertThat(HingeLoss.hinge(infinite, ids(1), l2, MEAN).getDouble()).isInfinite();
  }

  @Test
  void relevanceWeighsTerms() {
    final NDArray x = array(4, 1, 2, 0.5, -1);
    final double one = DecoupledSoftmaxLoss.weighted(x, array(4, 2, 0, 0, 0), MEAN).getDouble();
    assertThat(one)
        .isEqualTo(
            2 * CrossEntropyLoss.crossEntropy(x, ids(0), 0, MEAN).getDouble(), within(1e-14));
  }
}
