// Made from gatehouse.h, which is the contract and the manual; do not edit.
#![allow(dead_code)]

use std::ffi::{c_char, c_void};

pub type GatehouseStatus = i32;
pub const GATEHOUSE_MAGIC: u64 = 0x0045534845544147;
pub const GATEHOUSE_SELF_TEST: &str = "gatehouse.self-test/1";
pub const GATEHOUSE_BATCH: &str = "gatehouse.batch/1";
pub const GATEHOUSE_STREAM: &str = "gatehouse.stream/1";

pub const GATEHOUSE_ABI_MAJOR: u32 = 1;
pub const GATEHOUSE_ABI_MINOR: u32 = 0;

pub const GATEHOUSE_OK: GatehouseStatus = 0;
pub const GATEHOUSE_CANCELLED: GatehouseStatus = 1;
pub const GATEHOUSE_BAD_INPUT: GatehouseStatus = 2;
pub const GATEHOUSE_BAD_CONFIGURATION: GatehouseStatus = 3;
pub const GATEHOUSE_NO_WEIGHTS: GatehouseStatus = 4;
pub const GATEHOUSE_UNSUPPORTED: GatehouseStatus = 5;
pub const GATEHOUSE_UNAVAILABLE: GatehouseStatus = 6;
pub const GATEHOUSE_OUT_OF_MEMORY: GatehouseStatus = 7;
pub const GATEHOUSE_FAILED: GatehouseStatus = 8;

pub const GATEHOUSE_LOG_DEBUG: u32 = 0;
pub const GATEHOUSE_LOG_INFO: u32 = 1;
pub const GATEHOUSE_LOG_WARNING: u32 = 2;
pub const GATEHOUSE_LOG_ERROR: u32 = 3;

pub const GATEHOUSE_PART_ENCODED: u32 = 0;
pub const GATEHOUSE_PART_TEXT: u32 = 1;
pub const GATEHOUSE_PART_PCM: u32 = 2;
pub const GATEHOUSE_PART_PIXELS: u32 = 3;

pub const GATEHOUSE_OUTPUT_TEXT: u32 = 1;
pub const GATEHOUSE_OUTPUT_SOFT: u32 = 2;
pub const GATEHOUSE_OUTPUT_ROWS: u32 = 4;

pub const GATEHOUSE_FLOAT32: u32 = 0;
pub const GATEHOUSE_FLOAT16: u32 = 1;
pub const GATEHOUSE_BFLOAT16: u32 = 2;

pub const GATEHOUSE_REENTRANT: u32 = 1;
pub const GATEHOUSE_SAFE_TO_CLOSE: u32 = 2;
pub const GATEHOUSE_NEEDS_WEIGHTS: u32 = 4;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct GatehouseHost {
    pub struct_size: u32,
    pub abi_major: u32,
    pub abi_minor: u32,
    pub reserved: u32,
    pub ctx: *mut c_void,
    pub name: *const c_char,
    pub log: Option<unsafe extern "C" fn(ctx: *mut c_void, level: i32, text: *const c_char, size: u64)>,
    pub set_error: Option<unsafe extern "C" fn(ctx: *mut c_void, text: *const c_char, size: u64)>,
    pub extension: Option<unsafe extern "C" fn(ctx: *mut c_void, id: *const c_char) -> *const c_void>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct GatehouseJob {
    pub struct_size: u32,
    pub reserved: u32,
    pub ctx: *mut c_void,
    pub id: u64,
    pub deadline_ns: u64,
    pub cancelled: Option<unsafe extern "C" fn(ctx: *mut c_void) -> i32>,
    pub progress: Option<unsafe extern "C" fn(ctx: *mut c_void, fraction: f64)>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct GatehouseDecoderIdentity {
    pub struct_size: u32,
    pub hidden: u32,
    pub family: *const c_char,
    pub fingerprint: *const f32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct GatehouseDecoder {
    pub struct_size: u32,
    pub vocabulary: u32,
    pub context: u32,
    pub reserved: u32,
    pub identity: *const GatehouseDecoderIdentity,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct GatehousePart {
    pub kind: u32,
    pub reserved: u32,
    pub media_type: *const c_char,
    pub data: *const u8,
    pub size: u64,
    pub sample_rate: u32,
    pub channels: u32,
    pub width: u32,
    pub height: u32,
    pub stride: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct GatehouseInput {
    pub struct_size: u32,
    pub part_count: u32,
    pub parts: *const GatehousePart,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct GatehouseSpan {
    pub begin: u64,
    pub end: u64,
    pub start_seconds: f64,
    pub end_seconds: f64,
    pub confidence: f32,
    pub reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct GatehouseText {
    pub struct_size: u32,
    pub span_count: u32,
    pub data: *const c_char,
    pub size: u64,
    pub spans: *const GatehouseSpan,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct GatehouseSoft {
    pub struct_size: u32,
    pub slot_count: u32,
    pub slot_offsets: *const u32,
    pub piece_offsets: *const u32,
    pub bytes: *const c_char,
    pub weights: *const f32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct GatehouseRows {
    pub struct_size: u32,
    pub element_type: u32,
    pub rows: u32,
    pub width: u32,
    pub stride: u64,
    pub data: *const c_void,
    pub axes: u32,
    pub grid_t: u32,
    pub grid_h: u32,
    pub grid_w: u32,
    pub positions: *const i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct GatehouseSink {
    pub struct_size: u32,
    pub reserved: u32,
    pub ctx: *mut c_void,
    pub begin: Option<unsafe extern "C" fn(ctx: *mut c_void, part: u32, kind: u32, expected: u64) -> GatehouseStatus>,
    pub text: Option<unsafe extern "C" fn(ctx: *mut c_void, text: *const GatehouseText) -> GatehouseStatus>,
    pub soft: Option<unsafe extern "C" fn(ctx: *mut c_void, soft: *const GatehouseSoft) -> GatehouseStatus>,
    pub rows: Option<unsafe extern "C" fn(ctx: *mut c_void, rows: *const GatehouseRows) -> GatehouseStatus>,
    pub acquire_rows: Option<unsafe extern "C" fn(ctx: *mut c_void, shape: *const GatehouseRows, data: *mut *mut c_void) -> GatehouseStatus>,
    pub commit_rows: Option<unsafe extern "C" fn(ctx: *mut c_void, rows: u32) -> GatehouseStatus>,
    pub end: Option<unsafe extern "C" fn(ctx: *mut c_void) -> GatehouseStatus>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct GatehouseOutputs {
    pub struct_size: u32,
    pub kinds: u32,
    pub width: u32,
    pub element_type: u32,
    pub most_slots: u64,
    pub decoder: *const GatehouseDecoderIdentity,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct GatehouseInstance {
    pub struct_size: u32,
    pub reserved: u32,
    pub ctx: *mut c_void,
    pub destroy: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
    pub reset: Option<unsafe extern "C" fn(ctx: *mut c_void) -> GatehouseStatus>,
    pub describe: Option<unsafe extern "C" fn(ctx: *mut c_void, outputs: *mut GatehouseOutputs) -> GatehouseStatus>,
    pub encode: Option<unsafe extern "C" fn(ctx: *mut c_void, job: *const GatehouseJob, input: *const GatehouseInput, sink: *const GatehouseSink) -> GatehouseStatus>,
    pub extension: Option<unsafe extern "C" fn(ctx: *mut c_void, id: *const c_char) -> *const c_void>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct GatehouseSelfTest {
    pub struct_size: u32,
    pub reserved: u32,
    pub ctx: *mut c_void,
    pub run: Option<unsafe extern "C" fn(ctx: *mut c_void, job: *const GatehouseJob) -> GatehouseStatus>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct GatehouseBatchCall {
    pub job: *const GatehouseJob,
    pub input: *const GatehouseInput,
    pub sink: *const GatehouseSink,
    pub host: *const GatehouseHost,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct GatehouseBatch {
    pub struct_size: u32,
    pub most_calls: u32,
    pub ctx: *mut c_void,
    pub encode: Option<unsafe extern "C" fn(ctx: *mut c_void, count: u32, calls: *const GatehouseBatchCall, statuses: *mut GatehouseStatus)>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct GatehouseStreamFormat {
    pub struct_size: u32,
    pub sample_rate: u32,
    pub channels: u32,
    pub reserved: u32,
    pub configuration: *const c_char,
    pub configuration_size: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct GatehousePartial {
    pub struct_size: u32,
    pub is_final: u32,
    pub revision: u64,
    pub offset: u64,
    pub stable: u64,
    pub start_seconds: f64,
    pub end_seconds: f64,
    pub text: *const GatehouseText,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct GatehouseStreamSink {
    pub struct_size: u32,
    pub reserved: u32,
    pub ctx: *mut c_void,
    pub partial: Option<unsafe extern "C" fn(ctx: *mut c_void, partial: *const GatehousePartial) -> GatehouseStatus>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct GatehouseStream {
    pub struct_size: u32,
    pub reserved: u32,
    pub ctx: *mut c_void,
    pub push: Option<unsafe extern "C" fn(ctx: *mut c_void, job: *const GatehouseJob, samples: *const f32, frames: u64, sink: *const GatehouseStreamSink) -> GatehouseStatus>,
    pub finish: Option<unsafe extern "C" fn(ctx: *mut c_void, job: *const GatehouseJob, sink: *const GatehouseStreamSink) -> GatehouseStatus>,
    pub close: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct GatehouseStreaming {
    pub struct_size: u32,
    pub most_streams: u32,
    pub ctx: *mut c_void,
    pub open: Option<unsafe extern "C" fn(ctx: *mut c_void, job: *const GatehouseJob, format: *const GatehouseStreamFormat, stream: *mut *const GatehouseStream) -> GatehouseStatus>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct GatehouseCreateArguments {
    pub struct_size: u32,
    pub threads: u32,
    pub host: *const GatehouseHost,
    pub configuration: *const c_char,
    pub configuration_size: u64,
    pub weights: *const c_char,
    pub cache_folder: *const c_char,
    pub decoder: *const GatehouseDecoder,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct GatehouseDescriptor {
    pub struct_size: u32,
    pub flags: u32,
    pub id: *const c_char,
    pub name: *const c_char,
    pub vendor: *const c_char,
    pub version: *const c_char,
    pub license: *const c_char,
    pub modality: *const c_char,
    pub media_types: *const c_char,
    pub output_kinds: u32,
    pub most_instances: u32,
    pub configuration_schema: *const c_char,
    pub weights_manifest: *const c_char,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct GatehouseEntry {
    pub magic: u64,
    pub struct_size: u32,
    pub abi_major: u32,
    pub abi_minor: u32,
    pub reserved: u32,
    pub toolchain: *const c_char,
    pub ctx: *mut c_void,
    pub initialize: Option<unsafe extern "C" fn(ctx: *mut c_void, host: *const GatehouseHost) -> GatehouseStatus>,
    pub finalize: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
    pub plugin_count: Option<unsafe extern "C" fn(ctx: *mut c_void) -> u32>,
    pub plugin: Option<unsafe extern "C" fn(ctx: *mut c_void, index: u32) -> *const GatehouseDescriptor>,
    pub create: Option<unsafe extern "C" fn(ctx: *mut c_void, id: *const c_char, arguments: *const GatehouseCreateArguments, job: *const GatehouseJob, instance: *mut *const GatehouseInstance) -> GatehouseStatus>,
    pub extension: Option<unsafe extern "C" fn(ctx: *mut c_void, id: *const c_char) -> *const c_void>,
}
