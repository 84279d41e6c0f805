/**
 * Detections in files: COCO results, VOC text and CSV, their average precision before and after
 * suppression, and how sure a difference is.
 */
package io.steelyard.analysis.detection;
