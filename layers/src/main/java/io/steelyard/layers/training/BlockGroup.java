package io.steelyard.layers.training;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Block;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import java.util.SequencedMap;

/**
 * Several blocks that are trained together by an {@link Objective}, which runs them one by one.
 * Each has to be initialized before. Parameters are called by the block's name, then their own
 * ({@code student.first.weight}).
 *
 * <pre>{@code
 * SequencedMap<String, Block> blocks = new LinkedHashMap<>();
 * blocks.put("student", student);
 * blocks.put("head", head);
 * Training training = new Training(new BlockGroup(blocks), TrainingOptions.seeded(1));
 * }</pre>
 */
public final class BlockGroup extends AbstractBlock {

  private static final byte VERSION = 1;

  /** A group of these blocks, in this order. */
  public BlockGroup(SequencedMap<String, Block> blocks) {
    super(VERSION);
    blocks.forEach(this::addChildBlock);
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore parameters,
      NDList inputs,
      boolean training,
      PairList<String, Object> options) {
    throw new UnsupportedOperationException(
        "a group of blocks has no forward pass of its own; run its blocks in an objective");
  }

  @Override
  protected void initializeChildBlocks(NDManager manager, DataType dataType, Shape... inputShapes) {
    throw new UnsupportedOperationException(
        "initialize the blocks of a group one by one, each with the shapes of its inputs");
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    throw new UnsupportedOperationException("a group of blocks has no output of its own");
  }
}
