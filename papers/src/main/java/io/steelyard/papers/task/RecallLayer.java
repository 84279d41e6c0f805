package io.steelyard.papers.task;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Activation;
import ai.djl.nn.Parameter;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.layers.attention.Attention;
import io.steelyard.layers.attention.AttentionBlock;
import io.steelyard.layers.attention.AttentionCall;
import io.steelyard.layers.attention.AttentionShape;
import io.steelyard.layers.attention.Projection;
import io.steelyard.layers.attention.Visibility;
import io.steelyard.layers.initializer.Constant;
import io.steelyard.layers.initializer.InitialWeights;
import io.steelyard.layers.initializer.Normal;
import io.steelyard.layers.tensor.Like;
import io.steelyard.papers.run.Experiment;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * One layer without residual that can recall: queries and values from a token, keys from the one
 * before it, so that a key stands with its value; logits by the table of embeddings.
 *
 * <p>Inputs are tokens int64 {@code [B, L]}, and if logits are wanted of some only, their places in
 * the batch, int64 {@code [n]}; outputs {@code [B, L, V]} or {@code [n, V]}.
 *
 * <p>Source: the single-layer quick task after arXiv 2405.15731; the token shift takes the place of
 * depth.
 */
public final class RecallLayer extends AbstractBlock {

  private static final double EMBEDDING = 0.5;
  private static final double STEP_BIAS = -3;

  private static final byte VERSION = 1;

  private final int vocabulary;
  private final int width;
  private final int states;
  private final Parameter table;
  private final LayerNorm norm;
  private final Linear q;
  private final Linear k;
  private final Linear v;
  private final Optional<AttentionBlock> attention;
  private final Optional<Linear> stepSize;
  private final Linear out;
  private final LayerNorm last;

  /**
   * An uninitialized layer.
   *
   * @param task whose tokens it reads
   * @param width d of embeddings and values
   * @param states numbers of a query and a key
   * @param mixer of the tokens; without one, the scalar state-space model SSD
   * @param experiment gives the streams of random numbers
   */
  public RecallLayer(
      AssociativeRecall task,
      int width,
      int states,
      Optional<Attention> mixer,
      Experiment experiment) {
    super(VERSION);
    this.vocabulary = task.vocabulary();
    this.width = width;
    this.states = states;
    final InitialWeights weights = InitialWeights.fanIn(experiment.random("weights"));
    final RandomGenerator more = experiment.random("weights of the normaliser");
    this.table =
        addParameter(
            Parameter.builder()
                .setName("table")
                .setType(Parameter.Type.OTHER)
                .optShape(new Shape(vocabulary, width))
                .optInitializer(new Normal(experiment.random("embeddings"), EMBEDDING))
                .build());
    this.norm = addChildBlock("norm", layerNorm());
    this.q = addChildBlock("q", weights.linear(width, states, true));
    this.k = addChildBlock("k", weights.linear(width, states, true));
    this.v = addChildBlock("v", weights.linear(width, width, true));
    final AttentionShape shape =
        new AttentionShape(width, 1, states, width, task.length(), Optional.empty(), more);
    this.attention = mixer.map(one -> one.block(shape));
    attention.ifPresent(block -> addChildBlock("attention", block));
    if (mixer.isEmpty()) {
      final Linear linear = InitialWeights.fanIn(more).linear(width, 1, true);
      linear.setInitializer(new Constant(STEP_BIAS), Parameter.Type.BIAS);
      this.stepSize = Optional.of(addChildBlock("step-size", linear));
    } else {
      this.stepSize = Optional.empty();
    }
    this.out = addChildBlock("out", weights.linear(width, width, true));
    this.last = addChildBlock("last", layerNorm());
  }

  private static LayerNorm layerNorm() {
    return LayerNorm.builder().axis(2).optEpsilon(1e-5f).build();
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore parameters,
      NDList inputs,
      boolean training,
      PairList<String, Object> options) {
    final NDArray tokens = inputs.head();
    final NDArray e = parameters.getValue(table, tokens.getDevice(), training);
    // Else this and all that follows would live as long as the parameter.
    final NDArray table = e.reshape(e.getShape());
    table.attach(tokens.getManager());
    final NDArray chosen = table.get(tokens.reshape(-1)).reshape(tokens.getShape().add(width));
    final NDArray z = norm.forward(parameters, new NDList(chosen), training).singletonOrThrow();
    final NDArray before =
        Like.zeros(new Shape(z.getShape().get(0), 1, width), z).concat(z.get(":, :-1"), 1);
    final NDArray queries = q.forward(parameters, new NDList(z), training).singletonOrThrow();
    final NDArray keys = k.forward(parameters, new NDList(before), training).singletonOrThrow();
    final NDArray values = v.forward(parameters, new NDList(z), training).singletonOrThrow();
    final NDArray mixed =
        attention
            .map(
                block ->
                    block
                        .attend(
                            parameters,
                            new AttentionCall(
                                Optional.of(z),
                                Map.of("q", head(queries), "k", head(keys), "v", head(values)),
                                Visibility.ofThePast(),
                                Optional.empty(),
                                Optional.empty()),
                            training)
                        .squeeze(2))
            .orElseGet(() -> scalarSelective(parameters, z, queries, keys, values, training));
    final NDArray said =
        last.forward(parameters, out.forward(parameters, new NDList(mixed), training), training)
            .singletonOrThrow();
    final NDArray rows = inputs.size() > 1 ? said.reshape(-1, width).get(inputs.get(1)) : said;
    return new NDList(rows.matMul(table.transpose()));
  }

  private static Projection head(NDArray tokens) {
    return new Projection(tokens.expandDims(2), true);
  }

  /** SSD with a decay rate of 1 and a skip connection, as weights over all pairs. */
  private NDArray scalarSelective(
      ParameterStore parameters,
      NDArray z,
      NDArray queries,
      NDArray keys,
      NDArray values,
      boolean training) {
    final NDArray delta =
        Activation.softPlus(
            stepSize.orElseThrow().forward(parameters, new NDList(z), training).singletonOrThrow());
    final NDArray passed = delta.cumSum(1);
    final NDArray logs = passed.swapAxes(1, 2).sub(passed);
    final NDArray order = Like.range(Math.toIntExact(z.getShape().get(1)), z);
    final NDArray seen =
        order.reshape(1, -1, 1).gte(order.reshape(1, 1, -1)).broadcast(logs.getShape());
    final NDArray never = Like.scalar(Double.NEGATIVE_INFINITY, logs).broadcast(logs.getShape());
    return queries
        .matMul(keys.swapAxes(1, 2))
        .mul(delta.swapAxes(1, 2))
        .mul(NDArrays.where(seen, logs, never).exp())
        .matMul(values)
        .add(values);
  }

  @Override
  protected void initializeChildBlocks(NDManager manager, DataType dataType, Shape... inputShapes) {
    final Shape tokens = inputShapes[0].add(width);
    final Shape keyHead = new Shape(tokens.get(0), 1, tokens.get(1), states);
    final Shape valueHead = new Shape(tokens.get(0), 1, tokens.get(1), width);
    norm.initialize(manager, dataType, tokens);
    q.initialize(manager, dataType, tokens);
    k.initialize(manager, dataType, tokens);
    v.initialize(manager, dataType, tokens);
    attention.ifPresent(block -> block.initialize(manager, dataType, keyHead, keyHead, valueHead));
    stepSize.ifPresent(linear -> linear.initialize(manager, dataType, tokens));
    out.initialize(manager, dataType, tokens);
    last.initialize(manager, dataType, tokens);
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return new Shape[] {inputShapes[0].add(vocabulary)};
  }
}
