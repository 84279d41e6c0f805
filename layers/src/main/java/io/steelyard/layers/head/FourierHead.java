package io.steelyard.layers.head;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.kernels.head.FourierDensity;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.NDArrayTensors;
import io.steelyard.layers.tensor.Scalars;
import java.util.random.RandomGenerator;

/**
 * The Fourier head: features {@code [..., D]} to log-probabilities {@code [..., m]} of m bins of
 * [-1, 1], by a linear layer to {@code 2 (N + 1)} coefficients of a density that is never negative.
 * Feed them to an ordinary cross-entropy.
 *
 * <p>With {@code a_t} complex, {@code b_j = -1 + (2 j + 1) / m} and {@code A_j = sum_t a_t e^(i pi
 * t b_j)} the outputs are {@code ln(|A_j|^2 / sum_i |A_i|^2 + 1e-5)}. In training, where {@link
 * Form#withCoefficients}, a second output are the coefficients, real parts before imaginary parts,
 * for {@code FourierLoss} and its roughness; prediction gives one output.
 *
 * <p>Weights and biases start uniform in {@code +-1/sqrt(D)}, divided by numbers of 100 in the
 * paper, which makes early steps larger: the probabilities do not depend on the scale of the
 * coefficients. Coefficients that are all 0 give NaN. Take N below m / 2. In prediction on a CPU
 * the kernel {@link FourierDensity} computes the outputs; gradients do not pass there. Parameters:
 * {@code weight [2 (N + 1), D]}, {@code bias [2 (N + 1)]}. Cost O(N (D + m)) a row. Source: arXiv
 * 2410.22269, section 3.
 *
 * <pre>{@code
 * FourierHead head = new FourierHead(FourierHead.Form.of(50, 12), random);
 * head.initialize(manager, x.getDataType(), x.getShape());
 * NDList logits = head.forward(new ParameterStore(manager, false), new NDList(x), false);
 * }</pre>
 */
public final class FourierHead extends AbstractBlock {

  private static final byte VERSION = 1;

  /**
   * The shape of the head.
   *
   * @param bins m, 1 or more
   * @param frequencies N, 0 or more
   * @param floor added to each probability, above 0
   * @param weightDivisor of the initial weights, above 0
   * @param biasDivisor of the initial biases, above 0
   * @param coefficients whether training gives them as a second output
   */
  public record Form(
      int bins,
      int frequencies,
      double floor,
      double weightDivisor,
      double biasDivisor,
      boolean coefficients) {

    /** Checks the ranges. */
    public Form {
      if (bins < 1) {
        throw new IllegalArgumentException("bins is " + bins + "; expected 1 or more");
      }
      if (frequencies < 0) {
        throw new IllegalArgumentException(
            "frequencies is " + frequencies + "; expected 0 or more");
      }
      check("floor", floor);
      check("weightDivisor", weightDivisor);
      check("biasDivisor", biasDivisor);
    }

    /** Floor 1e-5, divisors 100, one output. */
    public static Form of(int bins, int frequencies) {
      return new Form(bins, frequencies, 1e-5, 100, 100, false);
    }

    /** The same with other divisors; 1000 and 10 in the paper's time series. */
    public Form dividedBy(double weights, double biases) {
      return new Form(bins, frequencies, floor, weights, biases, coefficients);
    }

    /** The same with coefficients as a second output of training. */
    public Form withCoefficients() {
      return new Form(bins, frequencies, floor, weightDivisor, biasDivisor, true);
    }

    private static void check(String name, double value) {
      if (!(value > 0) || Double.isInfinite(value)) {
        throw new IllegalArgumentException(
            name + " is " + value + "; expected a finite number above 0");
      }
    }
  }

  private final Form form;
  private final RandomGenerator random;
  private final Parameter weight;
  private final Parameter bias;

  /**
   * An uninitialized head.
   *
   * @param random draws weights, then biases, when the head is initialized
   */
  public FourierHead(Form form, RandomGenerator random) {
    super(VERSION);
    this.form = form;
    this.random = random;
    this.weight =
        addParameter(Parameter.builder().setName("weight").setType(Parameter.Type.WEIGHT).build());
    this.bias =
        addParameter(Parameter.builder().setName("bias").setType(Parameter.Type.BIAS).build());
  }

  /**
   * The coefficients of the density.
   *
   * @param features {@code [..., D]}
   * @return {@code [..., 2 (N + 1)]}, real parts before imaginary parts
   */
  public NDArray coefficients(ParameterStore parameters, NDArray features, boolean training) {
    final NDArray w = parameters.getValue(weight, features.getDevice(), training);
    HeadArrays.check("features", features, w.getShape().get(1), w);
    final NDArray b = parameters.getValue(bias, features.getDevice(), training);
    return HeadArrays.rows(features)
        .matMul(HeadArrays.live(w, features).transpose())
        .add(b)
        .reshape(HeadArrays.withLast(features.getShape(), b.size()));
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore parameters,
      NDList inputs,
      boolean training,
      PairList<String, Object> options) {
    final NDArray x = inputs.singletonOrThrow();
    final NDArray a = coefficients(parameters, x, training);
    final Shape shape = HeadArrays.withLast(x.getShape(), form.bins());
    if (HeadArrays.kernels(x, training)) {
      final NDArray logs = Like.zeros(shape, x);
      FourierDensity.apply(
          NDArrayTensors.tensor(a.stopGradient()), form.floor(), NDArrayTensors.tensor(logs), 0);
      return new NDList(logs);
    }
    final NDArray logs = logProbabilities(HeadArrays.rows(a)).reshape(shape);
    return training && form.coefficients() ? new NDList(logs, a) : new NDList(logs);
  }

  private NDArray logProbabilities(NDArray a) {
    final int terms = form.frequencies() + 1;
    final NDArray re = a.get(":, :" + terms);
    final NDArray im = a.get(":, " + terms + ":");
    final NDArray angles = angles(a);
    final NDArray cos = angles.cos().toType(a.getDataType(), false);
    final NDArray sin = angles.sin().toType(a.getDataType(), false);
    final NDArray real = re.matMul(cos).sub(im.matMul(sin));
    final NDArray imaginary = re.matMul(sin).add(im.matMul(cos));
    final NDArray squares = real.mul(real).add(imaginary.mul(imaginary));
    return squares.div(squares.sum(new int[] {1}, true)).add(form.floor()).log();
  }

  /**
   * {@code pi t b_j}, float64 {@code [N + 1, m]}, up to a multiple of 2 pi that is taken off in
   * whole numbers: cosines of large angles lose digits.
   */
  private NDArray angles(NDArray like) {
    final int m = form.bins();
    final NDArray wide = Like.scalar(0, like).toType(DataType.FLOAT64, false);
    final NDArray t = Like.range(form.frequencies() + 1, wide).reshape(-1, 1);
    final NDArray j = Scalars.mul(Like.range(m, wide), 2).add(1 - m).reshape(1, -1);
    return Scalars.mul(t.matMul(j).mod(2 * m), Math.PI / m);
  }

  @Override
  protected void prepare(Shape[] inputShapes) {
    final long width = HeadArrays.width("features", inputShapes);
    final long coefficients = 2L * (form.frequencies() + 1);
    final double bound = 1 / Math.sqrt((double) width);
    weight.setShape(new Shape(coefficients, width));
    weight.setInitializer(HeadArrays.uniform(random, bound / form.weightDivisor()));
    bias.setShape(new Shape(coefficients));
    bias.setInitializer(HeadArrays.uniform(random, bound / form.biasDivisor()));
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return new Shape[] {HeadArrays.withLast(inputShapes[0], form.bins())};
  }
}
