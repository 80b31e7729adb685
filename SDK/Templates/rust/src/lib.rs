//! The plugin my-plugin: `gatehouse.rs` is the contract in Rust, `summary.rs` does the work.
//!
//! A panic in a function of the boundary ends the process, which is a worker's own: nothing unwinds into the host.

mod gatehouse;
mod summary;

use gatehouse::*;
use std::ffi::{CStr, c_char, c_void};
use std::ptr;
use summary::Summary;

/// What the host may share between threads: constant, with pointers to constants only.
struct Constant<T>(T);
unsafe impl<T> Sync for Constant<T> {}

static DESCRIPTOR: Constant<GatehouseDescriptor> = Constant(GatehouseDescriptor {
    struct_size: size_of::<GatehouseDescriptor>() as u32,
    flags: GATEHOUSE_REENTRANT,
    id: c"my-plugin".as_ptr(),
    name: c"My plugin".as_ptr(),
    vendor: c"".as_ptr(),
    version: c"0.1.0".as_ptr(),
    license: c"Apache-2.0".as_ptr(),
    modality: c"text".as_ptr(),
    media_types: c"text/plain".as_ptr(),
    output_kinds: GATEHOUSE_OUTPUT_TEXT,
    most_instances: 0,
    configuration_schema: ptr::null(),
    weights_manifest: ptr::null(),
});

/// One instance. Made by `create`, dropped by `destroy`.
struct Plugin {
    face: GatehouseInstance,
    host: *const GatehouseHost,
}

/// Tells the host why a call is about to fail.
unsafe fn fail(host: *const GatehouseHost, status: GatehouseStatus, why: &str) -> GatehouseStatus {
    unsafe {
        if let Some(set_error) = (*host).set_error {
            set_error((*host).ctx, why.as_ptr().cast(), why.len() as u64);
        }
    }
    status
}

unsafe extern "C" fn destroy(ctx: *mut c_void) {
    drop(unsafe { Box::from_raw(ctx.cast::<Plugin>()) });
}

unsafe extern "C" fn reset(_ctx: *mut c_void) -> GatehouseStatus {
    GATEHOUSE_OK
}

unsafe extern "C" fn describe(_ctx: *mut c_void, outputs: *mut GatehouseOutputs) -> GatehouseStatus {
    unsafe {
        *outputs = GatehouseOutputs {
            struct_size: size_of::<GatehouseOutputs>() as u32,
            kinds: GATEHOUSE_OUTPUT_TEXT,
            width: 0,
            element_type: GATEHOUSE_FLOAT32,
            most_slots: 0,
            decoder: ptr::null(),
        };
    }
    GATEHOUSE_OK
}

/// One segment of text. What the sink refuses is passed on.
unsafe fn send(sink: &GatehouseSink, part: u32, line: &str) -> Result<(), GatehouseStatus> {
    let text = GatehouseText {
        struct_size: size_of::<GatehouseText>() as u32,
        span_count: 0,
        data: line.as_ptr().cast(),
        size: line.len() as u64,
        spans: ptr::null(),
    };
    let good = |status| if status == GATEHOUSE_OK { Ok(()) } else { Err(status) };
    let (Some(begin), Some(append), Some(end)) = (sink.begin, sink.text, sink.end) else {
        return Err(GATEHOUSE_FAILED);
    };
    unsafe {
        good(begin(sink.ctx, part, GATEHOUSE_OUTPUT_TEXT, text.size))?;
        good(append(sink.ctx, &text))?;
        good(end(sink.ctx))
    }
}

unsafe extern "C" fn encode(
    ctx: *mut c_void, job: *const GatehouseJob, input: *const GatehouseInput, sink: *const GatehouseSink,
) -> GatehouseStatus {
    unsafe {
        let host = (*ctx.cast::<Plugin>()).host;
        let parts = std::slice::from_raw_parts((*input).parts, (*input).part_count as usize);
        for (index, part) in parts.iter().enumerate() {
            if (*job).cancelled.is_some_and(|cancelled| cancelled((*job).ctx) != 0) {
                return GATEHOUSE_CANCELLED;
            }
            if part.kind != GATEHOUSE_PART_ENCODED || CStr::from_ptr(part.media_type) != c"text/plain" {
                return fail(host, GATEHOUSE_UNSUPPORTED, "only files of the type text/plain are taken");
            }
            let bytes = match part.size {
                0 => &[],
                size => std::slice::from_raw_parts(part.data, size as usize),
            };
            if let Err(status) = send(&*sink, index as u32, &Summary::new(bytes).description()) {
                return status;
            }
        }
        if let Some(progress) = (*job).progress {
            progress((*job).ctx, 1.0);
        }
    }
    GATEHOUSE_OK
}

unsafe extern "C" fn create(
    _ctx: *mut c_void, id: *const c_char, arguments: *const GatehouseCreateArguments, _job: *const GatehouseJob,
    instance: *mut *const GatehouseInstance,
) -> GatehouseStatus {
    unsafe {
        let host = (*arguments).host;
        if CStr::from_ptr(id) != c"my-plugin" {
            return fail(host, GATEHOUSE_UNSUPPORTED, "this library holds the plugin my-plugin only");
        }
        let face = GatehouseInstance {
            struct_size: size_of::<GatehouseInstance>() as u32,
            reserved: 0,
            ctx: ptr::null_mut(),
            destroy: Some(destroy),
            reset: Some(reset),
            describe: Some(describe),
            encode: Some(encode),
            extension: None,
        };
        let plugin = Box::into_raw(Box::new(Plugin { face, host }));
        (*plugin).face.ctx = plugin.cast();
        *instance = &(*plugin).face;
    }
    GATEHOUSE_OK
}

unsafe extern "C" fn initialize(_ctx: *mut c_void, _host: *const GatehouseHost) -> GatehouseStatus {
    GATEHOUSE_OK
}

unsafe extern "C" fn finalize(_ctx: *mut c_void) {}

unsafe extern "C" fn plugin_count(_ctx: *mut c_void) -> u32 {
    1
}

unsafe extern "C" fn plugin(_ctx: *mut c_void, index: u32) -> *const GatehouseDescriptor {
    if index == 0 { &DESCRIPTOR.0 } else { ptr::null() }
}

static ENTRY: Constant<GatehouseEntry> = Constant(GatehouseEntry {
    magic: GATEHOUSE_MAGIC,
    struct_size: size_of::<GatehouseEntry>() as u32,
    abi_major: GATEHOUSE_ABI_MAJOR,
    abi_minor: GATEHOUSE_ABI_MINOR,
    reserved: 0,
    toolchain: c"rustc".as_ptr(),
    ctx: ptr::null_mut(),
    initialize: Some(initialize),
    finalize: Some(finalize),
    plugin_count: Some(plugin_count),
    plugin: Some(plugin),
    create: Some(create),
    extension: None,
});

#[unsafe(no_mangle)]
pub extern "C" fn gatehouse_plugin_entry() -> *const GatehouseEntry {
    &ENTRY.0
}
