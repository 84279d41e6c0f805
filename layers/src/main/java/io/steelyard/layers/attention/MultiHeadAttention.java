package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Block;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.layers.tensor.Like;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Multi-head attention around any {@link Attention}: linear projections to queries, keys and values
 * of H heads, positions, the attention itself, and a linear projection of its outputs.
 *
 * <p>Inputs are tokens {@code [B, T, d]}, float32 or float64, and optionally a mask {@code [B, T]},
 * bool, true where there is a token; the output is {@code [B, T, d]}. Whatever stands in tokens
 * that are masked has no influence on the others, NaN included. No sequences give none.
 *
 * <p>In prediction mode on a CPU the attention runs in the kernel of its method, on the memory of
 * the projections, without copying them; results equal those in training mode up to rounding.
 *
 * <p>Parameters: {@code q.weight [H D, d]}, {@code k.weight [Hk D, d]}, {@code v.weight [Hk Dv,
 * d]}, {@code out.weight [d, H Dv]} and biases; the roles are those of the attention. With an
 * {@link OutputGate} also {@code output-gate.gate.weight [H Dv, d]}, {@code
 * output-gate.local.conv.weight [H Dv, 1, k, k]}, biases, and {@code output-gate.norm} where it has
 * one.
 *
 * <pre>{@code
 * MultiHeadOptions options = MultiHeadOptions.of(64, 4, 196, Attention.softmax(), random);
 * MultiHeadAttention attention = new MultiHeadAttention(options.with(Rotary.line()));
 * attention.initialize(manager, DataType.FLOAT32, new Shape(1, 196, 64));
 * NDList y = attention.forward(new ParameterStore(manager, false), new NDList(x), false);
 * }</pre>
 */
public final class MultiHeadAttention extends AbstractBlock {

  private static final byte VERSION = 1;

  private final MultiHeadOptions options;
  private final AttentionBlock attention;
  private final Map<String, Linear> projections = new LinkedHashMap<>();
  private final Map<String, Block> norms = new LinkedHashMap<>();
  private final Optional<GatedOutput> gate;
  private final Linear out;

  /** An uninitialized block. */
  public MultiHeadAttention(MultiHeadOptions options) {
    super(VERSION);
    this.options = options;
    final AttentionBlock block = options.attention().block(options.shape());
    if (block.roles().stream().noneMatch(MultiHeadAttention::isQuery)
        && options.keyHeads() != options.heads()) {
      throw new IllegalArgumentException(
          "keyHeads is "
              + options.keyHeads()
              + "; expected "
              + options.heads()
              + ", the heads: this attention has no queries beside its keys");
    }
    for (final String role : block.roles()) {
      projections.put(
          role,
          addChildBlock(
              role,
              options
                  .weights()
                  .linear(options.width(), headsOf(role) * widthOf(role), options.bias())));
      if (options.normalizedKeys() && !isValue(role)) {
        norms.put(
            role,
            addChildBlock(
                role + "-norm",
                LayerNorm.builder()
                    .axis(3)
                    .optEpsilon((float) MultiHeadOptions.NORM_EPSILON)
                    .build()));
      }
    }
    this.attention = addChildBlock("attention", block);
    this.gate =
        options
            .gate()
            .map(
                given ->
                    addChildBlock(
                        "output-gate",
                        new GatedOutput(given, options, options.grid().orElseThrow())));
    if (gate.isPresent()
        && block.roles().stream().filter(MultiHeadAttention::isValue).count() != 1) {
      throw new IllegalArgumentException(
          "gate is given for an attention with " + block.roles() + "; expected one role of values");
    }
    this.out =
        addChildBlock(
            "out",
            options
                .weights()
                .linear(
                    options.heads() * options.valueWidth(), options.width(), options.outBias()));
  }

  /** How it is built. */
  public MultiHeadOptions options() {
    return options;
  }

  /** What happens between the projections. */
  public AttentionBlock attention() {
    return attention;
  }

  /**
   * What the attention is given of these tokens: for looking into a trained model.
   *
   * @param x {@code [B, T, d]}
   * @return by role, in the shapes of {@link Projection}
   */
  public Map<String, Projection> projections(ParameterStore parameters, NDArray x) {
    check("x", x);
    return project(parameters, x, x, 0, options.grid(), false);
  }

  /**
   * Attention of tokens on each other.
   *
   * @param x {@code [B, T, d]}
   * @return {@code [B, T, d]}
   */
  public NDArray attend(
      ParameterStore parameters, NDArray x, Visibility visibility, boolean training) {
    check("x", x);
    return attend(
        parameters,
        x,
        project(parameters, x, x, 0, options.grid(), training),
        visibility,
        options.grid(),
        training);
  }

  /**
   * Attention of the tokens of an image on each other, which may have another size than those in
   * training.
   *
   * @param x {@code [B, T, d]}
   * @param grid how they lie
   * @return {@code [B, T, d]}
   */
  public NDArray attend(ParameterStore parameters, NDArray x, Grid grid, boolean training) {
    check("x", x);
    final Optional<Grid> places = Optional.of(grid);
    return attend(
        parameters,
        x,
        project(parameters, x, x, 0, places, training),
        Visibility.all(),
        places,
        training);
  }

  /**
   * Attention of tokens on those of another sequence.
   *
   * @param x {@code [B, T, d]}
   * @param memory {@code [B, S, d]}
   * @return {@code [B, T, d]}
   * @throws IllegalStateException if the attention has no queries beside its keys
   */
  public NDArray cross(
      ParameterStore parameters,
      NDArray x,
      NDArray memory,
      Visibility visibility,
      boolean training) {
    check("x", x);
    check("memory", memory);
    checkQueries();
    if (gate.isPresent()) {
      throw new IllegalArgumentException(
          "memory given to an attention with an output gate; expected none: values have to lie on the"
              + " grid of the queries");
    }
    return attend(
        parameters,
        x,
        project(parameters, x, memory, 0, options.grid(), training),
        visibility,
        options.grid(),
        training);
  }

  /**
   * Attention of the next tokens of a sequence on all so far, in prediction mode. Feeding a
   * sequence in pieces gives what {@link #attend} gives for the whole under {@link
   * Visibility#ofThePast}.
   *
   * @param x {@code [B, T, d]}, what comes next
   * @param cache of this layer and these sequences; the tokens of {@code x} are added
   * @return {@code [B, T, d]}
   * @throws IllegalStateException if the attention has no queries beside its keys
   */
  public NDArray decode(ParameterStore parameters, NDArray x, KeyValueCache cache) {
    check("x", x);
    checkQueries();
    final Map<String, Projection> fresh =
        project(parameters, x, x, cache.tokens(), options.grid(), false);
    final Map<String, Projection> own = new LinkedHashMap<>(fresh);
    own.keySet().removeIf(MultiHeadAttention::isQuery);
    final Map<String, Projection> all = new LinkedHashMap<>(fresh);
    all.putAll(cache.append(own));
    return attend(parameters, x, all, Visibility.ofThePast(), options.grid(), false);
  }

  private NDArray attend(
      ParameterStore parameters,
      NDArray x,
      Map<String, Projection> projected,
      Visibility visibility,
      Optional<Grid> grid,
      boolean training) {
    if (gate.isPresent() && !visibility.isAll()) {
      throw new IllegalArgumentException(
          "visibility hides or shifts; expected none: the convolution of an output gate reads all"
              + " neighbours");
    }
    final Visibility seen =
        options.alibi()
            ? visibility.withSlopes(
                Like.values(Alibi.slopes(options.heads()), new Shape(options.heads()), x))
            : visibility;
    final Optional<Rotary> rotary = attention.rotates() ? options.rotary() : Optional.empty();
    final NDArray o =
        attention.attend(
            parameters, new AttentionCall(Optional.of(x), projected, seen, grid, rotary), training);
    final Shape shape = x.getShape();
    final NDArray flat =
        o.reshape(shape.get(0), shape.get(1), (long) options.heads() * options.valueWidth());
    final NDArray gated =
        gate.map(
                block ->
                    block.apply(
                        parameters, flat, values(projected), x, grid.orElseThrow(), training))
            .orElse(flat);
    return out.forward(parameters, new NDList(gated), training).singletonOrThrow();
  }

  /** {@code [B, T, H Dv]}, as projected. */
  private NDArray values(Map<String, Projection> projected) {
    final NDArray v =
        projected.entrySet().stream()
            .filter(entry -> isValue(entry.getKey()))
            .findFirst()
            .orElseThrow()
            .getValue()
            .array();
    final Shape shape = v.getShape();
    return v.reshape(shape.get(0), shape.get(1), shape.get(2) * shape.get(3));
  }

  private Map<String, Projection> project(
      ParameterStore parameters,
      NDArray x,
      NDArray memory,
      long first,
      Optional<Grid> grid,
      boolean training) {
    final Map<String, Projection> projected = new LinkedHashMap<>();
    projections.forEach(
        (role, linear) -> {
          final NDArray source = isQuery(role) ? x : memory;
          NDArray array =
              linear
                  .forward(parameters, new NDList(source), training)
                  .singletonOrThrow()
                  .reshape(
                      source.getShape().get(0),
                      source.getShape().get(1),
                      headsOf(role),
                      widthOf(role));
          if (norms.containsKey(role)) {
            array =
                norms.get(role).forward(parameters, new NDList(array), training).singletonOrThrow();
          }
          projected.put(role, new Projection(array, true));
        });
    final Map<String, Projection> derived =
        attention.derived(
            parameters, Map.copyOf(projected), Optional.of(x), Optional.of(memory), training);
    if (options.rotary().isPresent() && !attention.rotates()) {
      final Rotary rotary = options.rotary().get();
      projected.replaceAll(
          (role, projection) ->
              isValue(role) ? projection : rotary.rotate(projection, first, grid));
    }
    projected.putAll(derived);
    return projected;
  }

  private int headsOf(String role) {
    return isQuery(role) ? options.heads() : options.keyHeads();
  }

  private int widthOf(String role) {
    return isValue(role) ? options.valueWidth() : options.keyWidth();
  }

  private static boolean isQuery(String role) {
    return role.startsWith("q");
  }

  private static boolean isValue(String role) {
    return role.startsWith("v");
  }

  private void checkQueries() {
    if (attention.roles().stream().noneMatch(MultiHeadAttention::isQuery)) {
      throw new IllegalStateException(
          attention.getClass().getSimpleName()
              + " has no queries beside its keys: tokens can only attend to each other, all at"
              + " once");
    }
  }

  private void check(String name, NDArray tokens) {
    final Shape shape = tokens.getShape();
    if (shape.dimension() != 3 || shape.get(2) != options.width()) {
      throw new IllegalArgumentException(
          name + " is " + shape + "; expected [B, T, " + options.width() + "]");
    }
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore parameters, NDList inputs, boolean training, PairList<String, Object> more) {
    final NDArray x = inputs.get(0);
    final Visibility visibility =
        inputs.size() > 1 ? Visibility.ofKeys(inputs.get(1)) : Visibility.all();
    return new NDList(attend(parameters, x, visibility, training));
  }

  @Override
  protected void initializeChildBlocks(NDManager manager, DataType dataType, Shape... inputShapes) {
    final long batch = inputShapes[0].get(0);
    final long tokens = inputShapes[0].get(1);
    projections.forEach(
        (role, linear) -> {
          linear.initialize(manager, dataType, inputShapes[0]);
          if (norms.containsKey(role)) {
            norms
                .get(role)
                .initialize(
                    manager, dataType, new Shape(batch, tokens, headsOf(role), widthOf(role)));
          }
        });
    final List<String> roles = attention.roles();
    attention.initialize(
        manager,
        dataType,
        roles.stream()
            .map(role -> new Shape(batch, headsOf(role), tokens, widthOf(role)))
            .toArray(Shape[]::new));
    final Shape outputs = new Shape(batch, tokens, (long) options.heads() * options.valueWidth());
    gate.ifPresent(block -> block.initialize(manager, dataType, outputs, outputs, inputShapes[0]));
    out.initialize(manager, dataType, outputs);
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return new Shape[] {inputShapes[0]};
  }
}
