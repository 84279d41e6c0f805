package io.steelyard.layers.head;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.MalformedModelException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.GradientCollector;
import ai.djl.training.ParameterStore;
import io.steelyard.kernels.head.EquiangularBasis;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.head.NormalizedSoftmaxHead.Sphere;
import io.steelyard.layers.loss.CrossEntropyLoss;
import io.steelyard.layers.loss.FourierLoss;
import io.steelyard.layers.loss.LossOptions;
import io.steelyard.layers.tensor.Scalars;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class HeadsTest {

  private static final int D = 6;
  private static final double STEP = 1e-5;

  private NDManager manager;

  @BeforeEach
  void open() {
    manager = Libtorch.newManager();
  }

  @AfterEach
  void close() {
    manager.close();
  }

  /** A head over rows of D numbers. */
  record HeadCase(String name, Supplier<Block> head) {
    @Override
    public String toString() {
      return name;
    }
  }

  static List<HeadCase> cases() {
    return List.of(
        new HeadCase("linear svm", () -> new LinearSvmHead(4, new SplittableRandom(1))),
        normalized("normalised softmax", NormalizedSoftmaxHead.Form.DEFAULTS),
        normalized("learned scale", NormalizedSoftmaxHead.Form.DEFAULTS.learnedScale()),
        normalized(
            "in the graph",
            NormalizedSoftmaxHead.Form.DEFAULTS.on(Sphere.NORMALIZED).withScale(3).learnedScale()),
        new HeadCase(
            "equiangular basis",
            () -> new EquiangularBasisHead(EquiangularBasis.orthonormal(5, D, 4), 4, 0.5)),
        new HeadCase(
            "fourier",
            () ->
                new FourierHead(
                    FourierHead.Form.of(7, 3).dividedBy(1, 1), new SplittableRandom(2))),
        new HeadCase(
            "sdm", () -> new SdmHead(new SdmHead.Form(5, 3, 0.2, 1.3), new SplittableRandom(3))));
  }

  private static HeadCase normalized(String name, NormalizedSoftmaxHead.Form form) {
    return new HeadCase(name, () -> new NormalizedSoftmaxHead(4, form, new SplittableRandom(7)));
  }

  private NDArray input(RandomGenerator random, DataType type, long... shape) {
    final Shape wanted = new Shape(shape);
    return manager
        .create(random.doubles(wanted.size(), -2, 2).toArray(), wanted)
        .toType(type, false);
  }

  private NDArray forward(Block head, NDArray x, boolean training) {
    return head.forward(new ParameterStore(manager, false), new NDList(x), training).get(0);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void gradientsOfInputAndParametersAgreeWithCentralDifferences(HeadCase head) {
    final RandomGenerator random = new SplittableRandom(31);
    final Block block = head.head().get();
    final NDArray x = input(random, DataType.FLOAT64, 3, D);
    block.initialize(manager, DataType.FLOAT64, x.getShape());
    final NDArray probe = forward(block, x, true).stopGradient();
    final NDArray g = input(random, DataType.FLOAT64, probe.getShape().getShape());
    checkGradients(head + " seed 31", block, x, g);
  }

  private void checkGradients(String what, Block block, NDArray x, NDArray g) {
    final ParameterStore parameters = new ParameterStore(manager, false);
    final NDList arrays = new NDList(x);
    block.getParameters().values().stream()
        .filter(Parameter::requiresGradient)
        .map(Parameter::getArray)
        .forEach(arrays::add);
    arrays.forEach(array -> array.setRequiresGradient(true));
    try (GradientCollector collector = Libtorch.engine().newGradientCollector()) {
      collector.backward(block.forward(parameters, new NDList(x), true).get(0).mul(g).sum());
    }
    for (int a = 0; a < arrays.size(); a++) {
      final double[] gradient = arrays.get(a).getGradient().toDoubleArray();
      for (int i = 0; i < gradient.length; i++) {
        final double slope =
            (moved(block, x, g, arrays.get(a), i, STEP)
                    - moved(block, x, g, arrays.get(a), i, -STEP))
                / (2 * STEP);
        assertThat(gradient[i])
            .describedAs("%s: gradient of array %d at %d", what, a, i)
            .isEqualTo(slope, within(2e-7 * Math.max(1, Math.abs(slope))));
      }
    }
    arrays.forEach(array -> array.setRequiresGradient(false));
  }

  private double moved(Block block, NDArray x, NDArray g, NDArray array, int at, double by) {
    try (NDManager scope = manager.newSubManager()) {
      final double[] values = array.toDoubleArray();
      final double[] changed = values.clone();
      changed[at] += by;
      final NDArray own = array.stopGradient();
      own.attach(scope);
      own.subi(own).addi(scope.create(changed, own.getShape()));
      final NDArray input = x.stopGradient();
      input.attach(scope);
      final double result =
          block
              .forward(new ParameterStore(manager, false), new NDList(input), true)
              .get(0)
              .mul(g)
              .sum()
              .getDouble();
      own.subi(own).addi(scope.create(values, own.getShape()));
      return result;
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void predictionThroughTheKernelIsTheComposedForm(HeadCase head) {
    for (final DataType type : new DataType[] {DataType.FLOAT64, DataType.FLOAT32}) {
      final RandomGenerator random = new SplittableRandom(5);
      try (NDManager model = Libtorch.newManager()) {
        final Block block = head.head().get();
        final NDArray x = input(random, type, 2, 3, D);
        block.initialize(model, type, new Shape(1, D));
        final int before = model.getManagedArrays().size();
        final boolean folds = !head.name().equals("sdm");
        final NDArray rows = x.reshape(6, D);
        final NDArray composed = forward(block, folds ? x : rows, true);
        final NDArray kernel = forward(block, folds ? x : rows, false);
        assertThat(kernel.getManager()).isEqualTo(manager);
        assertThat(composed.getManager()).isEqualTo(manager);
        assertThat(model.getManagedArrays()).hasSize(before);
        assertThat(kernel.getDataType()).isEqualTo(type);
        assertThat(kernel.getShape())
            .isEqualTo(composed.getShape())
            .isEqualTo(block.getOutputShapes(new Shape[] {(folds ? x : rows).getShape()})[0]);
        assertClose(kernel, composed, type == DataType.FLOAT64 ? 1e-12 : 3e-5);
        for (int i = 0; i < 6; i++) {
          assertClose(
              forward(block, rows.get(i + ":" + (i + 1)), false).reshape(-1),
              kernel.reshape(6, -1).get(i),
              type == DataType.FLOAT64 ? 1e-12 : 2e-6);
        }
      }
    }
  }

  private static void assertClose(NDArray actual, NDArray expected, double tolerance) {
    assertThat(actual.toType(DataType.FLOAT64, false).toDoubleArray())
        .containsExactly(
            expected.toType(DataType.FLOAT64, false).toDoubleArray(), within(tolerance));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void savedAndLoadedHeadsPredictTheSame(HeadCase head)
      throws IOException, MalformedModelException {
    final Block block = head.head().get();
    final NDArray x = input(new SplittableRandom(6), DataType.FLOAT32, 4, D);
    block.initialize(manager, DataType.FLOAT32, x.getShape());
    final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    block.saveParameters(new DataOutputStream(bytes));
    final Block loaded = head.head().get();
    loaded.loadParameters(
        manager, new DataInputStream(new ByteArrayInputStream(bytes.toByteArray())));
    assertThat(forward(loaded, x, false).toFloatArray())
        .containsExactly(forward(block, x, false).toFloatArray());
  }

  @ParameterizedTest
  @MethodSource("cases")
  void illegalInputsAreNamed(HeadCase head) {
    final Block block = head.head().get();
    block.initialize(manager, DataType.FLOAT32, new Shape(1, D));
    for (final NDArray wrong :
        List.of(
            manager.create(new Shape(0, D), DataType.FLOAT32),
            manager.create(new Shape(2, D + 1), DataType.FLOAT32),
            manager.create(new Shape(D), DataType.FLOAT32))) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> forward(block, wrong, true))
          .withMessageContaining("are " + wrong.getShape())
          .withMessageContaining("at least one row");
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> forward(block, manager.ones(new Shape(2, D), DataType.FLOAT64), false))
        .withMessageContaining("are float64")
        .withMessageContaining("float32");
  }

  @Test
  void normalizedSoftmaxGolden() {
    final NDArray h = manager.create(new double[] {3, 4, -1, 1}, new Shape(2, 2));
    final NDArray y = manager.create(new int[] {1, 2});
    final NormalizedSoftmaxHead head =
        new NormalizedSoftmaxHead(3, NormalizedSoftmaxHead.Form.DEFAULTS, new SplittableRandom(1));
    head.initialize(manager, DataType.FLOAT64, h.getShape());
    final NDArray w = head.getParameters().get("weight").getArray();
    assertThat(w.mul(w).sum(new int[] {0}).toDoubleArray())
        .containsExactly(new double[] {1, 1, 1}, within(1e-9));
    w.set(new double[] {1, 0, -.6, 0, 1, .8});
    for (final boolean training : new boolean[] {true, false}) {
      assertThat(forward(head, h, training).toDoubleArray())
          .containsExactly(
              new double[] {6, 8, 2.8, -7.0710678119, 7.0710678119, 9.8994949366}, within(1e-9));
    }
    h.setRequiresGradient(true);
    w.setRequiresGradient(true);
    try (GradientCollector collector = Libtorch.engine().newGradientCollector()) {
      final NDArray loss =
          CrossEntropyLoss.crossEntropy(forward(head, h, true), y, 0, LossOptions.mean());
      collector.backward(loss);
      assertThat(loss.getDouble()).isEqualTo(0.0946000876, within(1e-10));
    }
    assertThat(h.getGradient().toDoubleArray())
        .containsExactly(
            new double[] {0.1314690834, -0.0986018125, 0.07892338, 0.07892338}, within(1e-9));
    assertThat(w.getGradient().toDoubleArray())
        .containsExactly(
            new double[] {
              0.3558794143, -0.5676942995, 0.2118148852, 0.4745062178, -0.2965396812, -0.1779665367
            },
            within(1e-9));
    final NDArray gradient = w.getGradient().stopGradient();
    w.setRequiresGradient(false);
    w.subi(Scalars.mul(gradient, 0.1));
    head.project();
    assertThat(w.toDoubleArray())
        .containsExactly(
            new double[] {
              0.9987917942, 0.0550508654, -0.6048709383, -0.04914216, 0.9984835513, 0.7963235196
            },
            within(1e-9));
    h.setRequiresGradient(false);

    final NDArray support = manager.create(new double[] {-2, -1, -1, -3}, new Shape(2, 2));
    final NormalizedSoftmaxHead more = head.withClass(manager, support);
    assertThat(more.classes()).isEqualTo(4);
    assertThat(more.getParameters().get("weight").getArray().get(":, 3").toDoubleArray())
        .containsExactly(new double[] {-0.6552017414, -0.755453955}, within(1e-10));
    // Old logits are the same to the bit.
    for (final boolean training : new boolean[] {true, false}) {
      assertThat(forward(more, h, training).get(":, :3").toDoubleArray())
          .containsExactly(forward(head, h, training).toDoubleArray());
    }
    // One support embedding has the whole radius as its logit; the disjoint head has prototypes
    // only.
    final NDArray one = support.get("0:1");
    assertThat(forward(head.withClass(manager, one), one, false).getDouble(0, 3))
        .isEqualTo(10, within(1e-10));
    final NormalizedSoftmaxHead disjoint = head.ofPrototypes(manager, List.of(one, support));
    assertThat(disjoint.classes()).isEqualTo(2);
    assertThat(forward(disjoint, one, false).getDouble(0, 0)).isEqualTo(10, within(1e-10));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> head.withClass(manager, manager.create(new double[1][3])))
        .withMessageContaining("support are (1, 3)");
  }

  @Test
  void scaleOfEmbeddingsChangesNothing() {
    final NDArray x = input(new SplittableRandom(3), DataType.FLOAT64, 5, D);
    for (final HeadCase head : cases().subList(1, 5)) {
      final Block block = head.head().get();
      block.initialize(manager, DataType.FLOAT64, x.getShape());
      assertClose(forward(block, Scalars.mul(x, 7), true), forward(block, x, true), 1e-9);
      final NDArray zero = manager.zeros(new Shape(1, D), DataType.FLOAT64);
      for (final boolean training : new boolean[] {true, false}) {
        assertThat(forward(block, zero, training).toDoubleArray()).containsOnly(0);
      }
      zero.setRequiresGradient(true);
      try (GradientCollector collector = Libtorch.engine().newGradientCollector()) {
        collector.backward(forward(block, zero, true).sum());
      }
      assertThat(zero.getGradient().isNaN().any().getBoolean()).isFalse();
    }
  }

  @Test
  void equiangularBasisGolden() {
    final double r2 = Math.sqrt(2);
    final double r5 = Math.sqrt(5);
    final double r3 = Math.sqrt(3);
    final double[] v = {1, 0, 0, 1 / r2, 1 / r2, 0, 0, 1 / r5, 2 / r5, 1 / r3, -1 / r3, 1 / r3};
    final EquiangularBasis basis = new EquiangularBasis(Tensor.of(v, 4, 3), 0.7071067812, 0, false);
    final EquiangularBasisHead head = EquiangularBasisHead.of(basis);
    final NDArray z = manager.create(new double[] {2, 1, -1, 0, 3, 1}, new Shape(2, 3));
    final NDArray y = manager.create(new int[] {0, 2});
    head.initialize(manager, DataType.FLOAT64, z.getShape());
    for (final boolean training : new boolean[] {true, false}) {
      assertThat(forward(head, z, training).get(0).toDoubleArray())
          .containsExactly(
              new double[] {11.66423687, 12.371791483, -2.6082026548, 0}, within(1e-8));
    }
    z.setRequiresGradient(true);
    try (GradientCollector collector = Libtorch.engine().newGradientCollector()) {
      final NDArray loss =
          CrossEntropyLoss.crossEntropy(forward(head, z, true), y, 0.1, LossOptions.mean());
      collector.backward(loss);
      assertThat(loss.getDouble()).isEqualTo(1.4273107951, within(1e-9));
    }
    assertThat(z.getGradient().toDoubleArray())
        .containsExactly(
            new double[] {
              -0.6311695486, 1.2471041201, -0.0152349771, 0.4671639533, 0.2192966921, -0.6578900764
            },
            within(1e-8));
    z.setRequiresGradient(false);
    assertThat(head.getParameters().get("basis").requiresGradient()).isFalse();
  }

  @Test
  void classesAreAddedWithoutTouchingTheOthers() {
    final EquiangularBasis basis =
        EquiangularBasis.generate(
            10, 8, 3, EquiangularBasis.Options.defaults().withAlpha(0.35).withRate(0.02));
    assertThat(basis.reached()).isTrue();
    final NDArray x = input(new SplittableRandom(9), DataType.FLOAT32, 4, 8);
    final EquiangularBasisHead seven = new EquiangularBasisHead(basis, 7, EquiangularBasisHead.TAU);
    final EquiangularBasis extended =
        BasisExtension.extend(
            basis,
            2,
            new SplittableRandom(4),
            EquiangularBasis.Options.defaults().withAlpha(0.5).withRate(0.02));
    assertThat(extended.reached()).isTrue();
    assertThat(EquiangularBasis.largestCosine(extended.vectors()))
        .isEqualTo(extended.largestCosine(), within(1e-12))
        .isLessThanOrEqualTo(0.5 + 1e-4);
    final EquiangularBasisHead twelve = EquiangularBasisHead.of(extended);
    seven.initialize(manager, DataType.FLOAT32, x.getShape());
    final EquiangularBasisHead nine = seven.withClasses(9);
    nine.initialize(manager, DataType.FLOAT32, x.getShape());
    twelve.initialize(manager, DataType.FLOAT32, x.getShape());
    final float[] old = forward(seven, x, false).toFloatArray();
    assertThat(forward(nine, x, false).get(":, :7").toFloatArray()).containsExactly(old);
    assertThat(forward(twelve, x, false).get(":, :7").toFloatArray()).containsExactly(old);
    // No room: three vectors of the plane at right angles to each other.
    final EquiangularBasis full =
        BasisExtension.extend(
            EquiangularBasis.orthonormal(2, 2, 1),
            1,
            new SplittableRandom(4),
            EquiangularBasis.Options.defaults().withAlpha(0.1).withSteps(50));
    assertThat(full.reached()).isFalse();
    assertThat(full.largestCosine()).isGreaterThan(0.7);
    // An orthonormal basis goes on orthonormally.
    final EquiangularBasis on =
        BasisExtension.extend(
            EquiangularBasis.orthonormal(6, 8, 1),
            2,
            new SplittableRandom(4),
            EquiangularBasis.Options.defaults().withAlpha(0.01).withRate(1e-3).withSteps(20_000));
    assertThat(on.reached()).isTrue();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new EquiangularBasisHead(basis, 11, 0.07))
        .withMessageContaining("classes is 11; expected 1 to 10");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> seven.withClasses(9).initialize(manager, DataType.FLOAT32, new Shape(1, 3)))
        .withMessageContaining("[..., 8]");
  }

  @Test
  void fourierGolden() {
    final NDArray x = manager.create(new double[] {1}, new Shape(1, 1));
    final FourierHead head =
        new FourierHead(FourierHead.Form.of(4, 2).withCoefficients(), new SplittableRandom(1));
    head.initialize(manager, DataType.FLOAT64, x.getShape());
    final NDArray weight = head.getParameters().get("weight").getArray();
    assertThat(weight.abs().max().getDouble()).isLessThanOrEqualTo(0.01);
    weight.set(new double[] {.5, .2, -.3, 0, .4, .1});
    final NDArray bias = head.getParameters().get("bias").getArray();
    bias.set(new double[] {1, .5, .25, 0, -.2, .3});
    for (final boolean training : new boolean[] {true, false}) {
      assertThat(forward(head, x, training).toDoubleArray())
          .containsExactly(
              new double[] {-2.4375109751, -.5898259906, -1.5666960428, -1.9004288531},
              within(1e-9));
    }
    final ParameterStore parameters = new ParameterStore(manager, false);
    assertThat(head.forward(parameters, new NDList(x), false)).hasSize(1);
    bias.setRequiresGradient(true);
    try (GradientCollector collector = Libtorch.engine().newGradientCollector()) {
      final NDArray loss =
          new FourierLoss(1e-3, LossOptions.mean())
              .evaluate(
                  new NDList(manager.create(new int[] {2})),
                  head.forward(parameters, new NDList(x), true));
      collector.backward(loss);
      assertThat(loss.getDouble()).isEqualTo(1.6855512746, within(1e-9));
    }
    assertThat(bias.getGradient().toDoubleArray())
        .containsExactly(
            new double[] {
              -.0169795094, -.5545024218, -.4956767746, -.4926842537, .7418861279, 1.7893020634
            },
            within(1e-9));
    bias.setRequiresGradient(false);
    // No frequencies: uniform.
    final FourierHead flat = new FourierHead(FourierHead.Form.of(5, 0), new SplittableRandom(1));
    flat.initialize(manager, DataType.FLOAT64, x.getShape());
    assertThat(forward(flat, x, true).toDoubleArray())
        .containsExactly(filled(5, Math.log(0.2 + 1e-5)), within(1e-12));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> FourierHead.Form.of(0, 2))
        .withMessageContaining("bins is 0");
  }

  private static double[] filled(int n, double value) {
    final double[] all = new double[n];
    Arrays.fill(all, value);
    return all;
  }

  @Test
  void manyFrequenciesKeepTheirDigits() {
    final NDArray x = input(new SplittableRandom(8), DataType.FLOAT64, 2, 3);
    final FourierHead head =
        new FourierHead(FourierHead.Form.of(1024, 300).dividedBy(1, 1), new SplittableRandom(1));
    head.initialize(manager, DataType.FLOAT64, x.getShape());
    assertClose(forward(head, x, true), forward(head, x, false), 1e-10);
  }

  @Test
  void utilityGolden() {
    final NDArray u =
        manager.create(new double[] {2, 1, -1, 0, 1, .5, 1, 1.5, 0, .2, -1, 0}, new Shape(4, 3));
    final NDArray y = manager.create(new int[] {0, 1, 0, 2});
    assertThat(UtilityTransform.fit(u, y).beta()).isEqualTo(1.9019746094, within(1e-9));
    assertThat(new UtilityTransform(2).probabilities(u.get("0:1")).toDoubleArray())
        .containsExactly(new double[] {.8788782427, .1189432359, .0021785214}, within(1e-9));
    assertThat(new UtilityTransform(.5).probabilities(u.get("0:1")).toDoubleArray())
        .containsExactly(new double[] {.5465493873, .3314989604, .1219516523}, within(1e-9));
    final NDArray shifted = u.add(manager.create(new double[] {3, -1, 0, 100}).reshape(4, 1));
    assertThat(UtilityTransform.fit(shifted, y).beta()).isEqualTo(1.9019746094, within(1e-9));
    final NDArray separable = manager.create(new double[] {1, 0, 0, 1}, new Shape(2, 2));
    assertThat(UtilityTransform.fit(separable, manager.create(new int[] {0, 1})).beta())
        .isEqualTo(UtilityTransform.MOST);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> UtilityTransform.fit(u, manager.create(new int[] {0, 1, 0, 3})))
        .withMessageContaining("labels[3] is 3.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new UtilityTransform(0))
        .withMessageContaining("beta is 0.0");
  }

  @Test
  void utilityRecoversTheBetaOfSamples() {
    final RandomGenerator random = new SplittableRandom(21);
    for (final double beta : new double[] {0.5, 1, 2}) {
      final double[] u = new double[4000 * 5];
      final int[] y = new int[4000];
      for (int i = 0; i < y.length; i++) {
        double best = Double.NEGATIVE_INFINITY;
        for (int k = 0; k < 5; k++) {
          u[i * 5 + k] = random.nextGaussian();
          // The largest of scores with Gumbel noise is a sample of their softmax.
          final double noisy = beta * u[i * 5 + k] - Math.log(-Math.log(random.nextDouble()));
          y[i] = noisy > best ? k : y[i];
          best = Math.max(best, noisy);
        }
      }
      assertThat(
              UtilityTransform.fit(manager.create(u, new Shape(4000, 5)), manager.create(y)).beta())
          .describedAs("seed 21")
          .isEqualTo(beta, within(0.1));
    }
  }

  @Test
  void descriptors() {
    final RandomGenerator random = new SplittableRandom(11);
    final DescriptorHead head = new DescriptorHead(DescriptorHead.Form.of(4), random);
    final NDArray maps = input(random, DataType.FLOAT64, 3, 2, 2, 3);
    head.initialize(manager, DataType.FLOAT64, maps.getShape());
    final NDArray g = input(random, DataType.FLOAT64, 3, 4);
    assertThat(forward(head, maps, false).getShape()).isEqualTo(new Shape(3, 4));
    checkGradients("descriptors, seed 11", head, maps, g);
    // Pooling by hand.
    final double[] f = maps.get(0).toDoubleArray();
    double sum = 0;
    for (int i = 0; i < 6; i++) {
      sum += Math.pow(Math.max(f[i], 1e-6), 3);
    }
    final NDArray constant =
        manager.full(new Shape(1, 2, 2, 3), (float) Math.cbrt(sum / 6), DataType.FLOAT64);
    final NDArray own = maps.get("0:1").duplicate();
    own.set(new NDIndex(":, 1"), 0);
    constant.set(new NDIndex(":, 1"), 0);
    assertClose(forward(head, own, false), forward(head, constant, false), 1e-6);
    // Locals are unit columns; attention the sum of absolute values.
    final NDArray locals = DescriptorHead.locals(maps);
    assertThat(locals.getShape()).isEqualTo(new Shape(3, 6, 2));
    assertThat(locals.mul(locals).sum(new int[] {2}).toDoubleArray())
        .containsExactly(filled(18, 1), within(1e-11));
    assertThat(locals.getDouble(1, 4, 1))
        .isEqualTo(
            maps.getDouble(1, 1, 1, 1)
                / Math.hypot(maps.getDouble(1, 0, 1, 1), maps.getDouble(1, 1, 1, 1)),
            within(1e-11));
    assertThat(DescriptorHead.attention(maps).getDouble(2, 5))
        .isEqualTo(
            Math.abs(maps.getDouble(2, 0, 1, 2)) + Math.abs(maps.getDouble(2, 1, 1, 2)),
            within(1e-12));
    final NDArray unit = DescriptorHead.combine(new NDList(g, Scalars.mul(g, 3)));
    assertClose(unit, g.div(g.mul(g).sum(new int[] {1}, true).sqrt()), 1e-10);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> forward(head, maps.get(0), false))
        .withMessageContaining("maps are (2, 2, 3)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> forward(head, manager.create(new Shape(0, 2, 2, 3)), false))
        .withMessageContaining("at least one image");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> forward(head, maps.reshape(2, 3, 2, 3), false))
        .withMessageContaining("expected 2 channels");
  }

  @Test
  void svmRules() {
    final NDArray scores = manager.create(new double[] {0.1, 0.9}, new Shape(1, 2));
    assertThat(LinearSvmHead.Rule.ARGMAX.predict(scores).toLongArray()).containsExactly(1);
    assertThat(LinearSvmHead.Rule.ARGMAX_OF_SIGN.predict(scores).toLongArray()).containsExactly(0);
  }
}
