/**
 * The smallest ONNX model there is a use for: y = MatMul(x, w) with the weight inside, so that the runtime may pack it
 * beforehand. The fields are those of onnx.proto3 (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3) that such a
 * model needs; a protobuf library that comes with the peers writes them.
 */
import { requirePeer } from "./peer.js";

const schema = `syntax = "proto3";
message Model { int64 ir_version = 1; Graph graph = 7; repeated Opset opset_import = 8; }
message Opset { string domain = 1; int64 version = 2; }
message Graph {
  repeated Node node = 1; string name = 2; repeated Tensor initializer = 5;
  repeated ValueInfo input = 11; repeated ValueInfo output = 12;
}
message Node { repeated string input = 1; repeated string output = 2; string op_type = 4; }
message Tensor { repeated int64 dims = 1; int32 data_type = 2; string name = 8; bytes raw_data = 9; }
message ValueInfo { string name = 1; Type type = 2; }
message Type { TensorType tensor_type = 1; }
message TensorType { int32 elem_type = 1; Shape shape = 2; }
message Shape { repeated Dim dim = 1; }
message Dim { int64 dim_value = 1; }`;

const FLOAT = 1;

interface Protobuf {
  parse(source: string): {
    readonly root: {
      lookupType(name: string): { encode(message: object): { finish(): Uint8Array } };
    };
  };
}

/** y (rows,M) = x (rows,K) · w (K,M), the bytes of a model file. */
export function matmulModel(rows: number, K: number, M: number, w: Float32Array): Uint8Array {
  const value = (name: string, dims: readonly number[]) => ({
    name,
    type: { tensorType: { elemType: FLOAT, shape: { dim: dims.map((dimValue) => ({ dimValue })) } } },
  });
  const rawData = new Uint8Array(w.buffer, w.byteOffset, w.byteLength);
  const { root } = (requirePeer("protobufjs") as Protobuf).parse(schema);
  return root
    .lookupType("Model")
    .encode({
      irVersion: 8,
      opsetImport: [{ domain: "", version: 13 }],
      graph: {
        name: "product",
        node: [{ input: ["x", "w"], output: ["y"], opType: "MatMul" }],
        initializer: [{ dims: [K, M], dataType: FLOAT, name: "w", rawData }],
        input: [value("x", [rows, K])],
        output: [value("y", [rows, M])],
      },
    })
    .finish();
}
