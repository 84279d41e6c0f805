package io.steelyard.kernels.linear;

import io.steelyard.kernels.attention.Heads;
import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What the operators of this package have in common: they differ in two strategies alone. */
final class FeatureAttention {

  private FeatureAttention() {}

  /** The parameters of every linear attention, with those of one before them. */
  static List<Parameter> parameters(Parameter... own) {
    final List<Parameter> all = new ArrayList<>(List.of(own));
    all.add(
        new Parameter.Real(
            "eps", "epsilon", 1e-6, 0, Double.MAX_VALUE, "Added to the sum that divides."));
    all.add(
        new Parameter.Flag("causal", "causal", false, "Whether query i sees j <= i + Tk - Tq."));
    all.add(
        new Parameter.Whole(
            "threads",
            "threads",
            0L,
            0,
            Integer.MAX_VALUE,
            "Most threads to use; 0 for all processors."));
    return List.copyOf(all);
  }

  /** A choice among the values of an enum, the first by default. */
  static <E extends Enum<E>> Parameter choice(
      String name, String symbol, E[] values, String description) {
    final List<String> words =
        Arrays.stream(values).map(value -> value.name().toLowerCase(Locale.ROOT)).toList();
    return new Parameter.Choice(name, symbol, words.getFirst(), words, description);
  }

  /** The value that a call by name chose. */
  static <E extends Enum<E>> E value(E[] values, String word) {
    return Arrays.stream(values)
        .filter(value -> value.name().toLowerCase(Locale.ROOT).equals(word))
        .findFirst()
        .orElseThrow();
  }

  static LinearOptions options(Arguments arguments) {
    return new LinearOptions(
        arguments.flag("causal"), arguments.real("eps"), (int) arguments.whole("threads"));
  }

  static void apply(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor o,
      Features map,
      Readout readout,
      LinearOptions options) {
    checkWide("q", q);
    checkWide("k", k);
    checkWide("v", v);
    final Heads heads = Heads.of(q, k, v);
    heads.checkOutput(q, k, v, o);
    if (q.dtype() == DType.F32 && Simd.available()) {
      LinearJob.apply(q, k, v, o, heads, map, readout, options);
    } else {
      LinearMeaning.apply(q, k, v, o, heads, map, readout, options);
    }
  }

  static void vjp(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor cotangent,
      Tensor dq,
      Tensor dk,
      Tensor dv,
      Features map,
      Readout readout,
      LinearOptions options) {
    checkWide("q", q);
    checkWide("k", k);
    checkWide("v", v);
    final Heads heads = Heads.of(q, k, v);
    heads.checkVjp(q, cotangent, dq, dk, dv);
    if (q.dtype() == DType.F32 && Simd.available()) {
      LinearVjpJob.apply(q, k, v, cotangent, dq, dk, dv, heads, map, readout, options);
    } else {
      LinearMeaning.vjp(q, k, v, cotangent, dq, dk, dv, heads, map, readout, options);
    }
  }

  private static void checkWide(String name, Tensor tensor) {
    if (tensor.dtype().isHalf()) {
      throw new IllegalArgumentException(name + " is " + tensor + "; expected f32 or f64");
    }
  }

  /** A call by name. */
  static Map<String, Tensor> apply(Arguments arguments, Features map, Readout readout) {
    final Tensor o = Heads.newOutput(arguments);
    apply(
        arguments.tensor("q"),
        arguments.tensor("k"),
        arguments.tensor("v"),
        o,
        map,
        readout,
        options(arguments));
    return Map.of("o", o);
  }

  /** A call of the gradients by name. */
  static Map<String, Tensor> vjp(Arguments arguments, Features map, Readout readout) {
    final Tensor q = arguments.tensor("q");
    final Tensor k = arguments.tensor("k");
    final Tensor v = arguments.tensor("v");
    final Tensor dq = Tensor.zerosLike(q);
    final Tensor dk = Tensor.zerosLike(k);
    final Tensor dv = Tensor.zerosLike(v);
    vjp(q, k, v, arguments.tensor("do"), dq, dk, dv, map, readout, options(arguments));
    return Map.of("dq", dq, "dk", dk, "dv", dv);
  }
}
