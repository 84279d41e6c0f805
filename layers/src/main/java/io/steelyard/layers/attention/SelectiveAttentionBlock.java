package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Parameter;
import ai.djl.nn.core.Linear;
import ai.djl.training.ParameterStore;
import io.steelyard.kernels.attention.PositionTemperature;
import io.steelyard.kernels.attention.SelectiveAttention;
import io.steelyard.kernels.attention.Temperatures;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.initializer.Constant;
import io.steelyard.layers.initializer.InitialWeights;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.NDArrayTensors;
import io.steelyard.layers.tensor.Scalars;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Softmax attention in which every query has an inverse temperature of its own, {@code tau_q(i) q_i
 * . k_j / sqrt(D)}, and every value a factor {@code tau_v(j)}.
 *
 * <p>{@code tau_q = tanh(f(x)) + 1 + g(alpha) ln i}: one part is made from the token ({@link
 * SelectiveOptions.Token}), one grows with i, the number of keys that the query sees (all of them,
 * for every query, where nothing is causal). {@code tau_v = 1 + tanh(f_v(x))}. At first f is 0 and
 * g nearly 0, so a trained softmax model is not changed by it.
 *
 * <p>In decoding, i is the absolute position, and the temperatures of keys and values are made once
 * and kept in the cache.
 *
 * <p>Parameters: shared, {@code u-q [H, D]}, {@code u-v [Hk, Dv]}, {@code u-k [Hk, D]}; full, two
 * linear maps each; and {@code alpha [1]}. Weight decay must not reach alpha: {@code
 * Decay.ofMatrices()} leaves it alone, since it is no matrix, and other optimizers find it by its
 * name and its type {@code OTHER}. The exact wiring of both forms and the hidden width of the full
 * one, a quarter of the layer's, are derived.
 *
 * <p>Source: arXiv 2411.12892; alpha begins at -5 (sigmoid), 2 (double exponential) or 1e-5
 * (linear) as in its code.
 *
 * <pre>{@code
 * Attention selective = Attention.selective(SelectiveOptions.defaults());
 * MultiHeadOptions options = MultiHeadOptions.of(64, 4, 196, selective, random);
 * }</pre>
 */
public final class SelectiveAttentionBlock extends AttentionBlock {

  private final SelectiveOptions options;
  private final AttentionShape shape;
  private final Map<String, Parameter> directions = new LinkedHashMap<>();
  private final Map<String, Linear> hidden = new LinkedHashMap<>();
  private final Map<String, Linear> readouts = new LinkedHashMap<>();
  private final Optional<Parameter> alpha;

  /** An uninitialized block for a layer of this shape. */
  public SelectiveAttentionBlock(SelectiveOptions options, AttentionShape shape) {
    this.options = options;
    this.shape = shape;
    if (options.token().isPresent()) {
      side("q", options.onQueries());
      side("v", options.onValues());
      side("k", options.onKeys());
    }
    this.alpha =
        options
            .position()
            .map(
                form ->
                    addParameter(
                        Parameter.builder()
                            .setName("alpha")
                            .setType(Parameter.Type.OTHER)
                            .optShape(new Shape(1))
                            .optInitializer(new Constant(first(form)))
                            .build()));
  }

  private static double first(PositionTemperature.Form form) {
    return switch (form) {
      case SIGMOID -> -5;
      case DOUBLE_EXP -> 2;
      case LINEAR -> 1e-5;
    };
  }

  private void side(String role, boolean present) {
    if (!present) {
      return;
    }
    switch (options.token().orElseThrow()) {
      case SHARED ->
          directions.put(
              role,
              addParameter(
                  Parameter.builder()
                      .setName("u-" + role)
                      .setType(Parameter.Type.OTHER)
                      .optInitializer(new Constant(0))
                      .build()));
      case FULL -> {
        final int width = Math.max(1, shape.width() / 4);
        hidden.put(
            role,
            addChildBlock(
                "hidden-" + role,
                InitialWeights.fanIn(shape.random()).linear(shape.width(), width, true)));
        final Linear readout = Linear.builder().setUnits(1).build();
        readout.setInitializer(new Constant(0), Parameter.Type.WEIGHT);
        readout.setInitializer(new Constant(0), Parameter.Type.BIAS);
        readouts.put(role, addChildBlock("readout-" + role, readout));
      }
    }
  }

  @Override
  protected Map<String, Projection> derived(
      ParameterStore parameters,
      Map<String, Projection> projected,
      Optional<NDArray> x,
      Optional<NDArray> memory,
      boolean training) {
    final Map<String, Projection> temperatures = new LinkedHashMap<>();
    directions.forEach(
        (role, direction) -> {
          final Projection tokens = projected.get(role);
          final NDArray u = parameters.getValue(direction, tokens.array().getDevice(), training);
          final NDArray each = tokens.tokensFirst() ? u : u.expandDims(1);
          final NDArray f = Activation.gelu(tokens.array()).mul(each).sum(new int[] {3}, true);
          temperatures.put(temperature(role), new Projection(f.tanh(), tokens.tokensFirst()));
        });
    hidden.forEach(
        (role, first) -> {
          final NDArray tokens =
              (role.equals("q") ? x : memory)
                  .orElseThrow(
                      () ->
                          new IllegalArgumentException(
                              "x is absent; expected the layer's input, from which temperatures"
                                  + " are made"));
          final NDArray inner =
              Activation.gelu(
                  first.forward(parameters, new NDList(tokens), training).singletonOrThrow());
          final NDArray f =
              readouts
                  .get(role)
                  .forward(parameters, new NDList(inner), training)
                  .singletonOrThrow();
          temperatures.put(temperature(role), new Projection(f.tanh().expandDims(2), true));
        });
    return temperatures;
  }

  /** The name that the temperature of a role has among what is known of tokens. */
  private static String temperature(String role) {
    return role + "-temperature";
  }

  /** {@code tanh f} of the tokens of a role, {@code [B, H|1, T, 1]}; empty where there is none. */
  private Optional<NDArray> ofTokens(AttentionCall call, String role) {
    return directions.containsKey(role) || hidden.containsKey(role)
        ? Optional.of(call.heads(temperature(role)))
        : Optional.empty();
  }

  /** {@code 1 + g(alpha) ln i}, in the shape of the counts. */
  private NDArray ofPositions(ParameterStore parameters, NDArray count, boolean training) {
    final NDArray one = Like.ones(count.getShape(), count);
    if (alpha.isEmpty()) {
      return one;
    }
    final NDArray a = parameters.getValue(alpha.get(), count.getDevice(), training);
    final NDArray logs = Scalars.maximum(count, 1).log();
    return one.add(
        switch (options.position().orElseThrow()) {
          case SIGMOID -> logs.mul(Activation.sigmoid(a));
          case DOUBLE_EXP -> logs.mul(a.exp().neg().exp());
          case LINEAR -> logs.mul(a);
        });
  }

  private NDArray ofQueries(ParameterStore parameters, AttentionCall call, boolean training) {
    final Projection q = call.projection("q");
    final Shape scores =
        new Shape(q.batch(), q.headCount(), q.tokens(), call.projection("k").tokens());
    final NDArray places =
        ofPositions(parameters, call.visibility().count(scores, q.array()), training);
    return ofTokens(call, "q").map(tau -> tau.add(places)).orElse(places);
  }

  /** Empty if all are 1. */
  private Optional<NDArray> ofValues(
      ParameterStore parameters, AttentionCall call, boolean training) {
    final Optional<NDArray> tokens = ofTokens(call, "v");
    if (!options.positionOnValues()) {
      return tokens.map(tau -> tau.add(1));
    }
    final Projection v = call.projection("v");
    final Shape pairs = new Shape(v.batch(), v.headCount(), v.tokens(), v.tokens());
    final NDArray places =
        ofPositions(parameters, call.visibility().count(pairs, v.array()), training);
    return Optional.of(tokens.map(tau -> tau.add(places)).orElse(places));
  }

  @Override
  protected NDArray compose(ParameterStore parameters, AttentionCall call, boolean training) {
    final NDArray q = call.heads("q");
    final NDArray k = call.heads("k");
    final NDArray v = call.heads("v");
    final Pairs pairs =
        Pairs.of(
            q,
            ofTokens(call, "k").map(tau -> k.mul(tau.add(1))).orElse(k),
            ofValues(parameters, call, training).map(v::mul).orElse(v),
            call.visibility());
    final NDArray tau = pairs.ofFiniteQueries(ofQueries(parameters, call, training));
    final NDArray scaled =
        Scalars.mul(pairs.products().mul(tau), 1 / Math.sqrt((double) q.getShape().get(3)));
    final NDArray scores = call.visibility().added(scaled).map(scaled::add).orElse(scaled);
    return pairs.sum(pairs.softmax(scores));
  }

  @Override
  protected boolean hasKernel(AttentionCall call) {
    return true;
  }

  @Override
  protected void kernel(ParameterStore parameters, AttentionCall call, Tensor o) {
    final Projection q = call.projection("q");
    final Projection k = call.projection("k");
    final Projection v = call.projection("v");
    final Tensor keys =
        ofTokens(call, "k")
            .map(tau -> NDArrayTensors.tensor(k.heads().mul(tau.add(1))))
            .orElseGet(k::tensor);
    final Tensor ofQueries = oneEach(ofQueries(parameters, call, false), q);
    final Optional<Tensor> ofValues = ofValues(parameters, call, false).map(tau -> oneEach(tau, v));
    SelectiveAttention.apply(
        q.tensor(),
        keys,
        v.tensor(),
        new Temperatures(Optional.of(ofQueries), ofValues),
        o,
        call.visibility().options());
  }

  /** {@code [B, H, T]} of what may have extents of 1. */
  private static Tensor oneEach(NDArray temperatures, Projection of) {
    final Shape shape = new Shape(of.batch(), of.headCount(), of.tokens());
    return NDArrayTensors.tensor(temperatures.broadcast(shape.add(1)).reshape(shape));
  }

  @Override
  protected void prepare(Shape[] inputShapes) {
    for (int i = 0; i < roles().size(); i++) {
      final Parameter direction = directions.get(roles().get(i));
      if (direction != null) {
        direction.setShape(new Shape(inputShapes[i].get(1), inputShapes[i].get(3)));
      }
    }
  }

  @Override
  protected void initializeChildBlocks(NDManager manager, DataType dataType, Shape... inputShapes) {
    final Shape x = new Shape(inputShapes[0].get(0), inputShapes[0].get(2), shape.width());
    hidden.forEach(
        (role, linear) -> {
          linear.initialize(manager, dataType, x);
          readouts.get(role).initialize(manager, dataType, linear.getOutputShapes(new Shape[] {x}));
        });
  }
}
