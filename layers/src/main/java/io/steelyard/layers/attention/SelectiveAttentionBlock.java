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
import io.steelyard.kernels.attention.AttentionOptions;
import io.steelyard.kernels.attention.PositionTemperature;
import io.steelyard.kernels.attention.SelectiveAttention;
import io.steelyard.kernels.attention.Temperatures;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.initializer.Constant;
import io.steelyard.layers.initializer.InitialWeights;
import io.steelyard.layers.tensor.NDArrayTensors;
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
 * <p>Parameters: shared, {@code u-q [H, D]}, {@code u-v [Hk, Dv]}, {@code u-k [Hk, D]}; full, two
 * linear maps each; and {@code alpha [1]}, a vector, so that a decay of matrices alone leaves it in
 * peace, which it needs. The exact wiring of both forms and the hidden width of the full one, a
 * quarter of the layer's, are derived.
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
  public boolean rotates() {
    // The shared form reads queries before they are rotated.
    return true;
  }

  /** {@code tanh f} of the tokens of a role, {@code [B, H, T, 1]}; empty where there is none. */
  private Optional<NDArray> ofTokens(
      String role, ParameterStore parameters, AttentionCall call, boolean training) {
    if (directions.containsKey(role)) {
      final NDArray tokens = call.heads(role);
      final NDArray u = parameters.getValue(directions.get(role), tokens.getDevice(), training);
      final NDArray active = Activation.gelu(tokens);
      final NDArray f = active.mul(u.expandDims(1).expandDims(0)).sum(new int[] {3}, true);
      return Optional.of(f.tanh());
    }
    if (hidden.containsKey(role)) {
      final NDArray x =
          call.x()
              .orElseThrow(
                  () ->
                      new IllegalArgumentException(
                          "x is absent; expected the layer's input, from which temperatures are"
                              + " made"));
      final NDArray inner =
          Activation.gelu(
              hidden.get(role).forward(parameters, new NDList(x), training).singletonOrThrow());
      final NDArray f =
          readouts.get(role).forward(parameters, new NDList(inner), training).singletonOrThrow();
      return Optional.of(f.tanh().expandDims(1));
    }
    return Optional.empty();
  }

  private NDArray queryTemperature(
      ParameterStore parameters, AttentionCall call, NDArray count, boolean training) {
    NDArray tau = count.zerosLike().add(1);
    if (alpha.isPresent()) {
      final NDArray a = parameters.getValue(alpha.get(), count.getDevice(), training);
      final NDArray logs = count.maximum(1).log();
      tau =
          tau.add(
              switch (options.position().orElseThrow()) {
                case SIGMOID -> logs.mul(Activation.sigmoid(a));
                case DOUBLE_EXP -> logs.mul(a.exp().neg().exp());
                case LINEAR -> logs.mul(a);
              });
    }
    final Optional<NDArray> token = ofTokens("q", parameters, call, training);
    return token.isPresent() ? token.get().add(tau) : tau;
  }

  private Projection rotated(AttentionCall call, String role) {
    final Projection projection = call.projection(role);
    final long before = role.equals("q") ? call.projection("k").tokens() - projection.tokens() : 0;
    return call.rotary()
        .map(rotary -> rotary.rotate(projection, before, call.grid()))
        .orElse(projection);
  }

  private NDArray keys(ParameterStore parameters, AttentionCall call, boolean training) {
    final NDArray k = rotated(call, "k").heads();
    return ofTokens("k", parameters, call, training).map(tau -> k.mul(tau.add(1))).orElse(k);
  }

  @Override
  protected NDArray compose(ParameterStore parameters, AttentionCall call, boolean training) {
    final NDArray q = rotated(call, "q").heads();
    final NDArray v = call.heads("v");
    final NDArray values =
        ofTokens("v", parameters, call, training).map(tau -> v.mul(tau.add(1))).orElse(v);
    final Pairs pairs = Pairs.of(q, keys(parameters, call, training), values, call.visibility());
    final NDArray tau =
        pairs.ofFiniteQueries(queryTemperature(parameters, call, pairs.count(), training));
    final NDArray scaled =
        pairs.products().mul(tau).mul(1 / Math.sqrt((double) q.getShape().get(3)));
    final NDArray scores = call.visibility().added(scaled).map(scaled::add).orElse(scaled);
    return pairs.sum(pairs.softmax(scores));
  }

  @Override
  protected boolean hasKernel(AttentionCall call) {
    return true;
  }

  @Override
  protected void kernel(ParameterStore parameters, AttentionCall call, Tensor o) {
    final NDArray q = rotated(call, "q").heads();
    final NDArray k = keys(parameters, call, false);
    final AttentionOptions how = call.visibility().options();
    final Shape scores =
        new Shape(
            q.getShape().get(0), q.getShape().get(1), q.getShape().get(2), k.getShape().get(2));
    final NDArray count =
        call.visibility()
            .seen(scores, q)
            .map(flags -> flags.toType(q.getDataType(), false).sum(new int[] {3}, true))
            .orElseGet(() -> q.get(":, :, :, :1").zerosLike().add((double) scores.get(3)));
    final Shape queries = scores.slice(0, 3);
    final NDArray tau =
        queryTemperature(parameters, call, count, false).broadcast(queries.add(1)).reshape(queries);
    final Projection v = call.projection("v");
    final Shape tokens = new Shape(v.batch(), v.headCount(), v.tokens());
    final Optional<NDArray> ofValues =
        ofTokens("v", parameters, call, false)
            .map(t -> t.add(1).broadcast(tokens.add(1)).reshape(tokens));
    SelectiveAttention.apply(
        NDArrayTensors.tensor(q),
        NDArrayTensors.tensor(k),
        v.tensor(),
        new Temperatures(
            Optional.of(NDArrayTensors.tensor(tau)), ofValues.map(NDArrayTensors::tensor)),
        o,
        how);
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
