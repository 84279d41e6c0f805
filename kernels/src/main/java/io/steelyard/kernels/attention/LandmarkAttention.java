package io.steelyard.kernels.attention;

import io.steelyard.kernels.inverse.SymmetricInverse;
import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What {@link SoftAttention} and {@link SoftPlusPlusAttention} have in common: everything but
 * whether the core is normalised by the degrees of the landmarks.
 */
final class LandmarkAttention {

  private static final List<Port> INPUTS =
      List.of(
          Port.of("q", "Q", "[B, H, T, D]", "Queries, which are the keys too."),
          Port.of(
              "landmarks", "L", "[B, H, M, D]", "Landmarks, in the space of the scaled queries."),
          Port.of("v", "V", "[B, H, T, Dv]", "Values."));

  private static final List<Parameter> PARAMETERS =
      List.of(
          new Parameter.Choice(
              "inverse",
              "A^+",
              "newton",
              List.of("newton", "cholesky"),
              "How the kernel matrix of the landmarks is inverted."),
          new Parameter.Whole("iterations", "T", 20L, 0, 1000, "Newton iterations."),
          new Parameter.Real(
              "ridge",
              "ridge",
              0.01,
              0,
              SymmetricInverse.MOST_RIDGE,
              "Added to the diagonal of that matrix."),
          new Parameter.Real(
              "scale",
              "s",
              0.0,
              0,
              Double.POSITIVE_INFINITY,
              "Queries are multiplied by its root; 0 for 1/sqrt(D)."),
          new Parameter.Whole(
              "threads",
              "threads",
              0L,
              0,
              Integer.MAX_VALUE,
              "Most threads to use; 0 for all processors."));

  private LandmarkAttention() {}

  static Operator operator(String name, String summary, String where, boolean normalised) {
    return new Operator(
        name,
        "attention",
        summary,
        new Source("2207.03341", where),
        INPUTS,
        PARAMETERS,
        List.of(Port.of("o", "O", "[B, H, T, Dv]", "Weighted sums of values.")),
        arguments -> {
          final Tensor q = arguments.tensor("q");
          final Tensor landmarks = arguments.tensor("landmarks");
          final Tensor v = arguments.tensor("v");
          LandmarkShapes.of(q, landmarks, v);
          final Tensor o = Tensor.zerosLike(v);
          apply(q, landmarks, v, o, options(arguments), normalised);
          return Map.of("o", o);
        },
        Optional.of(
            new Operator.Vjp(
                List.of(Port.of("do", "dL/dO", "[B, H, T, Dv]", "Gradient with respect to o.")),
                List.of(
                    Port.of("dq", "dL/dQ", "[B, H, T, D]", "Gradient with respect to q."),
                    Port.of(
                        "dlandmarks",
                        "dL/dL",
                        "[B, H, M, D]",
                        "Gradient with respect to the landmarks."),
                    Port.of("dv", "dL/dV", "[B, H, T, Dv]", "Gradient with respect to v.")),
                arguments -> {
                  final Tensor q = arguments.tensor("q");
                  final Tensor landmarks = arguments.tensor("landmarks");
                  final Tensor v = arguments.tensor("v");
                  final Tensor dq = Tensor.zerosLike(q);
                  final Tensor dLandmarks = Tensor.zerosLike(landmarks);
                  final Tensor dv = Tensor.zerosLike(v);
                  vjp(
                      q,
                      landmarks,
                      v,
                      arguments.tensor("do"),
                      dq,
                      dLandmarks,
                      dv,
                      options(arguments),
                      normalised);
                  return Map.of("dq", dq, "dlandmarks", dLandmarks, "dv", dv);
                })));
  }

  private static LandmarkOptions options(Arguments arguments) {
    final double ridge = arguments.real("ridge");
    final double scale = arguments.real("scale");
    return new LandmarkOptions(
        arguments.choice("inverse").equals("newton")
            ? new LandmarkInverse.Newton((int) arguments.whole("iterations"), ridge)
            : new LandmarkInverse.Cholesky(ridge),
        scale == 0 ? OptionalDouble.empty() : OptionalDouble.of(scale),
        (int) arguments.whole("threads"));
  }

  static void apply(
      Tensor q, Tensor landmarks, Tensor v, Tensor o, LandmarkOptions options, boolean normalised) {
    final LandmarkShapes shapes = LandmarkShapes.of(q, landmarks, v, o);
    if (q.dtype().accumulator() == DType.F32 && Simd.available()) {
      SoftAttentionSimd.apply(q, landmarks, v, o, shapes, options, normalised);
      return;
    }
    final Head head = new Head(q, landmarks, v, shapes, options, normalised);
    for (int h = 0; h < shapes.batch() * shapes.heads(); h++) {
      head.load(h);
      for (int i = 0; i < shapes.tokens(); i++) {
        head.weights(i);
        for (int c = 0; c < shapes.width(); c++) {
          head.put(o, i, c, head.dot(head.core.mixed, c));
        }
      }
    }
  }

  static void vjp(
      Tensor q,
      Tensor landmarks,
      Tensor v,
      Tensor cotangent,
      Tensor dq,
      Tensor dLandmarks,
      Tensor dv,
      LandmarkOptions options,
      boolean normalised) {
    final LandmarkShapes shapes = LandmarkShapes.of(q, landmarks, v);
    shapes.checkVjp(q, cotangent, dq, dLandmarks, dv);
    if (q.dtype().accumulator() == DType.F32 && Simd.available()) {
      SoftAttentionVjpSimd.apply(
          q, landmarks, v, cotangent, dq, dLandmarks, dv, shapes, options, normalised);
      return;
    }
    final Head head = new Head(q, landmarks, v, shapes, options, normalised);
    for (int h = 0; h < shapes.batch() * shapes.heads(); h++) {
      head.load(h);
      head.gradients(cotangent, dq, dLandmarks, dv);
    }
  }

  /** One head in double. */
  private static final class Head {

    private final Tensor q;
    private final Tensor landmarks;
    private final Tensor v;
    private final LandmarkShapes shapes;
    private final LandmarkOptions options;
    private final boolean normalised;
    private final double root;
    private final double[] p;
    private final LandmarkCore core = new LandmarkCore();
    private int head;

    Head(
        Tensor q,
        Tensor landmarks,
        Tensor v,
        LandmarkShapes shapes,
        LandmarkOptions options,
        boolean normalised) {
      this.q = q;
      this.landmarks = landmarks;
      this.v = v;
      this.shapes = shapes;
      this.options = options;
      this.normalised = normalised;
      root = Math.sqrt(shapes.scale(options.scale()));
      p = new double[shapes.landmarks()];
    }

    /** Computes what all tokens of a head need. */
    void load(int newHead) {
      head = newHead;
      core.bind(shapes);
      for (int j = 0; j < shapes.landmarks(); j++) {
        for (int c = 0; c < shapes.depth(); c++) {
          core.landmarks[j * shapes.depth() + c] = get(landmarks, shapes.landmarks(), j, c);
        }
      }
      gather(v, core.gathered);
      core.invert(options.inverse(), normalised);
      core.mix();
    }

    /** {@code sums += P^T X} for rows X of the tokens. */
    private void gather(Tensor x, double[] sums) {
      for (int i = 0; i < shapes.tokens(); i++) {
        weights(i);
        for (int j = 0; j < p.length; j++) {
          for (int c = 0; c < shapes.width(); c++) {
            sums[j * core.widthStride() + c] += p[j] * get(x, shapes.tokens(), i, c);
          }
        }
      }
    }

    /** A row of P. */
    void weights(int token) {
      for (int j = 0; j < p.length; j++) {
        double sum = 0;
        for (int c = 0; c < shapes.depth(); c++) {
          final double difference = query(token, c) - core.landmarks[j * shapes.depth() + c];
          sum += difference * difference;
        }
        p[j] = Math.exp(-sum / 2);
      }
    }

    /** The row of P times a column of a panel. */
    double dot(double[] panel, int column) {
      double sum = 0;
      for (int j = 0; j < p.length; j++) {
        sum += p[j] * panel[j * core.widthStride() + column];
      }
      return sum;
    }

    void gradients(Tensor cotangent, Tensor dq, Tensor dLandmarks, Tensor dv) {
      final int depth = shapes.depth();
      gather(cotangent, core.mixedGradients);
      core.gradients();
      final double[] marks = core.landmarkGradients;
      final double[] own = new double[depth];
      for (int i = 0; i < shapes.tokens(); i++) {
        weights(i);
        for (int c = 0; c < shapes.width(); c++) {
          put(dv, i, c, dot(core.gatheredGradients, c));
        }
        Arrays.fill(own, 0);
        for (int j = 0; j < p.length; j++) {
          double slope = 0;
          for (int c = 0; c < shapes.width(); c++) {
            final int at = j * core.widthStride() + c;
            slope +=
                get(cotangent, shapes.tokens(), i, c) * core.mixed[at]
                    + get(v, shapes.tokens(), i, c) * core.gatheredGradients[at];
          }
          slope *= p[j];
          for (int c = 0; c < depth; c++) {
            final double difference = core.landmarks[j * depth + c] - query(i, c);
            own[c] += slope * difference;
            marks[j * depth + c] -= slope * difference;
          }
        }
        for (int c = 0; c < depth; c++) {
          put(dq, i, c, root * own[c]);
        }
      }
      for (int j = 0; j < p.length; j++) {
        final long at = dLandmarks.rowOffset((long) head * p.length + j);
        for (int c = 0; c < depth; c++) {
          dLandmarks.setDouble(at + c * dLandmarks.rowStride(), marks[j * depth + c]);
        }
      }
    }

    private double query(int token, int c) {
      return root * get(q, shapes.tokens(), token, c);
    }

    private double get(Tensor x, int rows, int row, int c) {
      return x.getDouble(x.rowOffset((long) head * rows + row) + c * x.rowStride());
    }

    void put(Tensor x, int row, int c, double value) {
      x.setDouble(x.rowOffset((long) head * shapes.tokens() + row) + c * x.rowStride(), value);
    }
  }
}
