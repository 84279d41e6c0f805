package io.steelyard.kernels.loss;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** What the losses of this package have in common: ports, options, checks and descriptions. */
final class Loss {

  static final Port SCORES = Port.of("x", "x", "[..., N]", "Scores; each row is the last axis.");

  static final Port TARGET =
      new Port(
          "targets",
          "t",
          Port.Kind.INTEGER,
          "[...]",
          false,
          "The right entry of each row, 0 to N - 1, or ignore-index.");

  static final Port POSITIVES =
      new Port(
          "targets",
          "P",
          Port.Kind.INTEGER,
          "[..., P]",
          false,
          "The positives of each row, 0 to N - 1; shorter lists are filled up with ignore-index.");

  static final Port RELEVANCES =
      new Port(
          "relevances",
          "y_p",
          Port.Kind.FLOAT,
          "[..., P]",
          true,
          "What multiplies the term of each positive; 1 where there are none.");

  static final Port WEIGHTS =
      new Port(
          "weights",
          "w",
          Port.Kind.FLOAT,
          "[...]",
          true,
          "A factor for the loss of each row; a row of weight 0 is left out.");

  private static final List<Parameter> PARAMETERS =
      List.of(
          new Parameter.Whole(
              "ignore-index",
              "ignore",
              (long) LossOptions.IGNORE_INDEX,
              Integer.MIN_VALUE,
              Integer.MAX_VALUE,
              "A target of this value is left out."),
          new Parameter.Whole(
              "threads",
              "threads",
              0L,
              0,
              Integer.MAX_VALUE,
              "Most threads to use; 0 for all processors."));

  private Loss() {}

  /** Values and gradients of a call by name; what is not wanted is {@link LossCall#NOTHING}. */
  interface Body {

    void run(Arguments arguments, LossOptions options, Tensor loss, Tensor upstream, Tensor dx);
  }

  /** The description of a loss. */
  static Operator describe(
      String name, String summary, Source source, Port targets, List<Parameter> own, Body body) {
    return describe(name, summary, source, List.of(SCORES, targets, WEIGHTS), own, body);
  }

  /** The description of a loss with inputs of its own. */
  static Operator describe(
      String name,
      String summary,
      Source source,
      List<Port> inputs,
      List<Parameter> own,
      Body body) {
    return new Operator(
        name,
        "loss",
        summary,
        source,
        inputs,
        Stream.concat(own.stream(), PARAMETERS.stream()).toList(),
        List.of(Port.of("loss", "L", "[...]", "One number for each row.")),
        arguments -> {
          final Tensor x = arguments.tensor("x");
          final long[] shape = x.shape();
          final Tensor loss =
              Tensor.zeros(x.dtype(), Arrays.copyOf(shape, Math.max(0, shape.length - 1)));
          body.run(arguments, options(arguments), loss, LossCall.NOTHING, LossCall.NOTHING);
          return Map.of("loss", loss);
        },
        Optional.of(
            new Operator.Vjp(
                List.of(Port.of("dloss", "dL", "[...]", "Gradient with respect to loss.")),
                List.of(Port.of("dx", "dL/dx", "[..., N]", "Gradient with respect to x.")),
                arguments -> {
                  final Tensor dx = Tensor.zerosLike(arguments.tensor("x"));
                  body.run(
                      arguments,
                      options(arguments),
                      LossCall.NOTHING,
                      arguments.tensor("dloss"),
                      dx);
                  return Map.of("dx", dx);
                })));
  }

  private static LossOptions options(Arguments arguments) {
    return new LossOptions(
        (int) arguments.whole("ignore-index"),
        arguments.optional("weights"),
        (int) arguments.whole("threads"));
  }

  /**
   * Checks what a call was given; of loss, upstream and dx those that are not {@link
   * LossCall#NOTHING}.
   *
   * @param lists whether targets are {@code [..., P]}
   */
  static void check(
      Tensor x,
      Tensor targets,
      boolean lists,
      Tensor loss,
      Tensor upstream,
      Tensor dx,
      LossOptions options) {
    if (!x.dtype().accumulator().isFloat()) {
      throw new IllegalArgumentException("x is " + x + "; expected f32, f64, f16 or bf16");
    }
    if (targets != LossCall.NOTHING) {
      checkTargets(x, targets, lists, options.ignoreIndex());
    }
    if (options.weights().isPresent()) {
      checkRows("weights", options.weights().get(), x);
    }
    if (upstream != LossCall.NOTHING) {
      checkRows("dloss", upstream, x);
    }
    if (loss != LossCall.NOTHING) {
      checkRows("loss", loss, x);
      checkOutput("loss", loss);
      checkApart("loss", loss, "x", x);
    }
    if (dx != LossCall.NOTHING) {
      if (dx.dtype() != x.dtype().accumulator() || !dx.hasShapeOf(x)) {
        throw new IllegalArgumentException(
            "dx is "
                + dx
                + "; expected "
                + x.dtype().accumulator().label()
                + " and the shape of x, "
                + x);
      }
      checkOutput("dx", dx);
      if (x.overlapsPartly(dx)) {
        throw new IllegalArgumentException(
            "dx shares part of its memory with x; expected either the same elements in the same"
                + " order or no overlap");
      }
      checkApart("dx", dx, "loss", loss);
      checkApart("dx", dx, "targets", targets);
      checkApart("dx", dx, "dloss", upstream);
    }
  }

  private static void checkTargets(Tensor x, Tensor targets, boolean lists, int ignored) {
    final int rows = Math.max(0, x.rank() - 1);
    boolean fits = targets.dtype() == DType.I32 && targets.rank() == (lists ? rows + 1 : rows);
    for (int axis = 0; fits && axis < rows; axis++) {
      fits = targets.dim(axis) == x.dim(axis);
    }
    if (!fits) {
      throw new IllegalArgumentException(
          "targets is "
              + targets
              + "; expected i32, "
              + (lists ? "a list of indices" : "one index")
              + " for each row of x, "
              + x);
    }
    final boolean packed = targets.isContiguous();
    for (long i = 0; i < targets.size(); i++) {
      final int target =
          (int) targets.getDouble(packed ? targets.offset() + i : targets.flatIndex(i));
      if (target != ignored && (target < 0 || target >= x.rowLength())) {
        throw new IllegalArgumentException(
            "targets holds "
                + target
                + " (element "
                + i
                + "); expected 0 to "
                + (x.rowLength() - 1)
                + ", or "
                + ignored
                + " for none");
      }
    }
  }

  /**
   * Checks relevances. Those of slots that are left out may be anything.
   *
   * @param targets lists that have been checked
   */
  static void checkRelevances(Tensor relevances, Tensor x, Tensor targets, LossOptions options) {
    if (relevances.dtype() != x.dtype().accumulator() || !relevances.hasShapeOf(targets)) {
      throw new IllegalArgumentException(
          "relevances is "
              + relevances
              + "; expected "
              + x.dtype().accumulator().label()
              + " and the shape of targets, "
              + targets);
    }
    for (long i = 0; i < targets.size(); i++) {
      final double relevance = relevances.getDouble(relevances.flatIndex(i));
      final boolean counts = targets.getDouble(targets.flatIndex(i)) != options.ignoreIndex();
      if (counts && !(relevance >= 0 && relevance < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            "relevances holds "
                + relevance
                + " (element "
                + i
                + "); expected finite numbers of 0 or more");
      }
    }
  }

  private static void checkRows(String name, Tensor tensor, Tensor x) {
    if (tensor.dtype() != x.dtype().accumulator() || !tensor.hasRowsOf(x)) {
      throw new IllegalArgumentException(
          name
              + " is "
              + tensor
              + "; expected "
              + x.dtype().accumulator().label()
              + ", one number for each row of x, "
              + x);
    }
  }

  private static void checkOutput(String name, Tensor tensor) {
    if (tensor.memory().isReadOnly()) {
      throw new IllegalArgumentException(name + " is read-only; expected memory to write to");
    }
  }

  private static void checkApart(String name, Tensor tensor, String otherName, Tensor other) {
    if (tensor.overlaps(other)) {
      throw new IllegalArgumentException(
          name + " shares memory with " + otherName + "; expected memory of its own");
    }
  }
}
