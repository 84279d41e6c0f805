package io.steelyard.layers.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.ParameterFiles;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.function.ToDoubleBiFunction;

/**
 * All trained parameters of a block in one array, of which the block's own are views: an optimizer
 * is then a few operations on long vectors instead of a dozen native calls for each parameter.
 */
final class ParameterVector {

  private final SequencedMap<String, Parameter> trained = new LinkedHashMap<>();
  private final SequencedMap<String, NDArray> fixed = new LinkedHashMap<>();
  private final Set<NDArray> arrays = Collections.newSetFromMap(new IdentityHashMap<>());
  private final NDArray values;

  /**
   * Takes the parameters of an initialized block over: the trained ones are copied and become
   * views, the others (running statistics of norms, frozen ones) change their manager.
   */
  ParameterVector(Block block, NDManager manager, TrainingOptions options) {
    final Map<String, Parameter> named = ParameterFiles.named(block);
    named.forEach((name, parameter) -> check(name, parameter, options));
    named.forEach(
        (name, parameter) -> {
          if (parameter.requiresGradient()) {
            trained.put(name, parameter);
          } else {
            fixed.put(name, parameter.getArray());
          }
        });
    checkTrained(named.keySet(), options);
    final NDList parts = new NDList();
    try (NDManager scratch = manager.newSubManager()) {
      trained
          .values()
          .forEach(parameter -> parts.add(detached(parameter.getArray(), scratch).flatten()));
      // Of one array, concat makes no copy.
      values = parts.size() == 1 ? parts.head().duplicate() : NDArrays.concat(parts);
      values.attach(manager);
    }
    final List<NDArray> views = views(values, manager);
    int next = 0;
    for (final Parameter parameter : trained.values()) {
      // A parameter's array can be set only once, but its memory can be replaced.
      views.get(next).setRequiresGradient(true);
      parameter.getArray().intern(views.get(next));
      next++;
    }
    named.values().forEach(parameter -> parameter.getArray().attach(manager));
    trained.values().forEach(parameter -> arrays.add(parameter.getArray()));
  }

  private static void check(String name, Parameter parameter, TrainingOptions options) {
    if (!parameter.isInitialized()) {
      throw new IllegalArgumentException(
          "parameter '" + name + "' is not initialized; expected an initialized block");
    }
    if (parameter.requiresGradient() && parameter.getArray().getDataType() != options.dataType()) {
      throw new IllegalArgumentException(
          "parameter '"
              + name
              + "' is "
              + parameter.getArray().getDataType()
              + "; expected "
              + options.dataType()
              + ", the type of the training");
    }
    if (!parameter.getArray().getDevice().equals(options.device())) {
      throw new IllegalArgumentException(
          "parameter '"
              + name
              + "' is on "
              + Libtorch.name(parameter.getArray().getDevice())
              + "; expected "
              + Libtorch.name(options.device())
              + ", the device of the training: initialize the block with a manager of that device");
    }
  }

  private void checkTrained(Set<String> all, TrainingOptions options) {
    if (trained.isEmpty()) {
      throw new IllegalArgumentException(
          "block has parameters " + all + "; expected at least one that is trained (not frozen)");
    }
    for (final String part : options.rateFactors().keySet()) {
      if (trained.keySet().stream().noneMatch(name -> name.contains(part))) {
        throw new IllegalArgumentException(
            "rateFactors has '"
                + part
                + "'; expected a part of the name of a trained parameter: "
                + String.join(", ", trained.keySet()));
      }
    }
  }

  private static NDArray detached(NDArray array, NDManager scope) {
    final NDArray alias = array.stopGradient();
    alias.attach(scope);
    return alias;
  }

  /** The trained parameters one after the other, {@code [P]}; changing it changes the block. */
  NDArray values() {
    return values;
  }

  /** The arrays that training does not change by gradients, by name. */
  Map<String, NDArray> fixed() {
    return fixed;
  }

  /** {@code [P]} zeros in the manager of the values. */
  NDArray zeros() {
    return Like.zeros(values.getShape(), values);
  }

  /** {@code [P]}: a number for each parameter, at all its entries. */
  NDArray each(ToDoubleBiFunction<String, Shape> number) {
    final NDArray numbers = zeros();
    try (NDManager scratch = values.getManager().newSubManager()) {
      named(numbers, scratch)
          .forEach(
              (name, view) ->
                  view.addi(Like.scalar(number.applyAsDouble(name, view.getShape()), view)));
    }
    return numbers;
  }

  /** Parts of a {@code [P]} by the names of the parameters, sharing its memory. */
  SequencedMap<String, NDArray> named(NDArray vector, NDManager scope) {
    final List<NDArray> views = views(vector, scope);
    final SequencedMap<String, NDArray> result = new LinkedHashMap<>();
    trained.keySet().forEach(name -> result.put(name, views.get(result.size())));
    return result;
  }

  private List<NDArray> views(NDArray vector, NDManager owner) {
    final List<Shape> shapes = trained.values().stream().map(Parameter::getShape).toList();
    final long[] ends = new long[shapes.size() - 1];
    long end = 0;
    for (int i = 0; i < ends.length; i++) {
      end += shapes.get(i).size();
      ends[i] = end;
    }
    final List<NDArray> views = new ArrayList<>();
    try (NDManager scratch = owner.newSubManager()) {
      final NDList parts = detached(vector, scratch).split(ends);
      for (int i = 0; i < shapes.size(); i++) {
        final NDArray view = parts.get(i).reshape(shapes.get(i)).stopGradient();
        view.attach(owner);
        views.add(view);
      }
    }
    return views;
  }

  /**
   * Sets all gradients to 0, whatever they were before.
   *
   * @throws IllegalStateException if an array of the block is no longer the one taken over
   */
  void zeroGradients() {
    trained.forEach(
        (name, parameter) -> {
          if (!arrays.contains(parameter.getArray())) {
            throw new IllegalStateException(
                "parameter '"
                    + name
                    + "' got another array while it was being trained; load parameters before the"
                    + " training is made, or with ParameterFiles");
          }
          Libtorch.zeroGradient(parameter.getArray());
        });
  }

  /** A copy of all gradients, {@code [P]}; 0 for parameters that took no part. */
  NDArray gradients(NDManager scope) {
    final NDList parts = new NDList();
    for (final Parameter parameter : trained.values()) {
      final NDArray gradient = parameter.getArray().getGradient();
      gradient.attach(scope);
      // DJL makes up zeros, in float32, where there is none.
      parts.add(gradient.toType(values.getDataType(), false).flatten());
    }
    return parts.size() == 1 ? parts.head().duplicate() : NDArrays.concat(parts);
  }
}
